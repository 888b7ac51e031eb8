"""The language of the contract as strict models. May import ``quantity`` and pydantic."""

from launchworthy.contract.model.contract import Contract

__all__ = ["Contract"]
