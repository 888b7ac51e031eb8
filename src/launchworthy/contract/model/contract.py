"""The whole contract, with its text's address and the place of each line."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import Field, PrivateAttr

from launchworthy.contract.claim import Place
from launchworthy.contract.document import Document, KeyPath
from launchworthy.contract.model.block import Block, Name, Text
from launchworthy.contract.model.measures import AbuseLine
from launchworthy.contract.model.proof import Feedback, Gold, Labels, Proof, Trust
from launchworthy.contract.model.release import Decision, ReleaseBlock
from launchworthy.contract.model.running import (
    Adoption,
    Attestation,
    Launch,
    Monitor,
    Pricing,
    Rollout,
)
from launchworthy.contract.model.safeguards import Data, Fairness, Guard, Tool
from launchworthy.contract.model.workflow import Workflow

__all__ = ["Contract"]


class Contract(Block):
    """What a team promises about one AI product."""

    launchworthy: Literal[1] = Field(description="Version of the language.")
    product: Name = Field(description="Name of the product; first part of every address.")
    kind: Literal["generative", "predictive"] = Field(default="generative", description="Kind of product.")
    owners: dict[Name, Text] = Field(min_length=1, description="Who answers for what; `product` at least.")
    roles: tuple[Name, ...] = Field(
        default=(), description="Roles of callers, resolved by your identity provider."
    )
    release: ReleaseBlock = Field(default_factory=ReleaseBlock, description="What changes together.")
    decisions: dict[Name, Decision] = Field(
        default_factory=dict, description="What was chosen, and what would reopen it."
    )
    workflows: dict[Name, Workflow] = Field(min_length=1, description="Jobs that users get done.")
    data: Data = Field(default_factory=Data, description="What it may see, store and learn from.")
    tools: dict[Name, Tool] = Field(default_factory=dict, description="What it may do; the rest is denied.")
    guards: dict[Name, Guard] | None = Field(default=None, description="Checks around each call.")
    abuse: dict[Name, AbuseLine] = Field(
        default_factory=dict, description="Attacks tried before each release."
    )
    fairness: Fairness | None = Field(default=None, description="How different groups may fare.")
    proof: Proof = Field(default_factory=Proof, description="When something counts as proven.")
    trust: Trust | None = Field(default=None, description="Whose signatures count.")
    gold: dict[Name, Gold] = Field(default_factory=dict, description="Gold sets by workflow.")
    feedback: Feedback | None = Field(default=None, description="What users are asked.")
    labels: Labels = Field(default_factory=Labels, description="How traffic is labelled.")
    rollout: Rollout = Field(default_factory=Rollout, description="How the share of users grows.")
    monitors: dict[Name, Monitor] = Field(
        default_factory=dict, description="What is watched beyond the targets."
    )
    adoption: Adoption | None = Field(default=None, description="Whether users come and stay.")
    pricing: Pricing | None = Field(default=None, description="What it is sold for.")
    attest: dict[Name, Attestation] = Field(
        default_factory=dict, description="What only a person can vouch for."
    )
    launch: Launch = Field(default_factory=Launch, description="The launch board, and waivers.")

    _document: Document = PrivateAttr(default_factory=lambda: Document(file="launchworthy.yaml"))
    _text: str = PrivateAttr(default="")

    @property
    def text(self) -> str:
        """The text it was read from."""
        return self._text

    @property
    def version(self) -> str:
        """Content address of the text: ``c-`` and 12 hex digits of its SHA-256."""
        return "c-" + hashlib.sha256(self._text.encode()).hexdigest()[:12]

    @property
    def file(self) -> str:
        """Name of the file it was read from."""
        return self._document.file

    def place(self, address: str) -> Place | None:
        """Where the line of an address (with or without the product) stands; None for a default."""
        path = self.path(address)
        return self._document.place(path, of_key=True) if self._document.has(path) else None

    def nearest(self, path: KeyPath) -> Place:
        """Where the value at a path of keys stands, or the block around it."""
        return self._document.place(path)

    def path(self, address: str) -> KeyPath:
        """Keys of the file behind an address: workflows stand under ``workflows``."""
        parts = address.split("/")
        if parts[0] == self.product and parts[0] not in self.workflows and len(parts) > 1:
            parts = parts[1:]
        found: KeyPath = ()
        if parts[0] in self.workflows:
            found = ("workflows", parts[0])
            parts = parts[1:]
        while parts:
            # A key may be an address itself, as under fairness/gap; the shortest that is there is meant.
            size = next(
                (
                    end
                    for end in range(1, len(parts) + 1)
                    if self._document.has((*found, "/".join(parts[:end])))
                ),
                1,
            )
            found, parts = (*found, "/".join(parts[:size])), parts[size:]
        return found

    def declares(self, *path: str) -> bool:
        """Whether the file itself has this line, not only a default."""
        return self._document.has(path)

    def gold_of(self, workflow: str) -> Gold:
        """The gold set of a workflow; a default one, from ``gold/WORKFLOW.jsonl``, where none is declared."""
        own = self.gold.get(workflow, Gold())
        if own.file is None and own.from_ is None:
            return own.model_copy(update={"file": f"gold/{workflow}.jsonl"})
        return own

    @property
    def sold(self) -> str | None:
        """The workflow whose success is what customers pay for; None where nothing is sold, or of which."""
        if self.pricing is None:
            return None
        value = self.pricing.value
        named = [name for name, block in self.workflows.items() if value in block.outcomes]
        named += [
            name
            for name, block in self.workflows.items()
            if block.success is not None and block.success.event == value
        ]
        named += [name for name, block in self.workflows.items() if "margin" in block.economics]
        named += list(self.workflows) if len(self.workflows) == 1 else []
        return named[0] if named else None

    def attach(self, document: Document, text: str) -> Contract:
        """Remember where it came from."""
        self._document, self._text = document, text
        return self
