"""Running proof: evidence for claims that only records of use can settle.

A prover: may import everything below it and no other prover.
"""
