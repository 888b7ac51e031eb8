"""The language of the contract as strict models, one module by meaning. May import ``quantity`` and pydantic."""

from launchworthy.contract.model.contract import Contract

__all__ = ["Contract"]
