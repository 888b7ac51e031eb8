"""Offline proof: suites, targets, scorers, cache, resume, comparison with a baseline.

A prover: may import everything below it and no other prover.
"""
