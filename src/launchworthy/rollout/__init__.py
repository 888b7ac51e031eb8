"""Online proof: flags, assignment, experiments, and releases that are brought to their users stage by stage.

A prover: may import everything below it and no other prover. An application loads ``rollout.flags`` alone.
"""
