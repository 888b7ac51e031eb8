"""A model and a prompt file as a target, so that both can be evaluated without code.

May import ``errors``, ``gold``, ``records`` and this room. The prompt file is text with ``{input}`` and
``{context}``, and may begin with YAML between two lines of ``---``: ``system``, ``temperature``,
``max_tokens``, ``seed`` and ``schema`` (a JSON Schema, or the path of one).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from launchworthy.errors import InputError
from launchworthy.evals.chat import OPENAI, ChatClient, ChatModel, ChatReply
from launchworthy.evals.scenarios.scenario import is_conversation
from launchworthy.evals.target import MODEL_PREFIX, Reply
from launchworthy.gold import GoldItem
from launchworthy.records import Release

__all__ = ["ModelTarget", "Prompt", "model_release", "model_target", "read_prompt"]

_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)(?:^|\n)---[ \t]*(?:\r?\n|\Z)(.*)", re.DOTALL)
_HOLE = re.compile(r"\{(input|context)\}")
_ANY_HOLE = re.compile(r"\{(?!(?:input|context)\})[A-Za-z_]\w*\}")
_SETTINGS = ("system", "temperature", "max_tokens", "seed", "schema")
_MOST_BYTES = 1_000_000
_FIELDS = frozenset({"output", "answer", "citations", "answered", "no_answer", "ranked", "documents"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt and how the model is asked with it.

    Attributes:
        text: What the user says; ``{input}`` and ``{context}`` stand for the item's own.
        system: What the model is told first; may hold the same.
        settings: ``temperature``, ``max_tokens`` and ``seed``, where the file names them.
        schema: Shape of the answer; None for text.
    """

    text: str = "{input}"
    system: str | None = None
    settings: Mapping[str, Any] | None = None
    schema: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of all that reaches the model."""
        told = [self.text, self.system, dict(self.settings or {}), self.schema]
        text = json.dumps(told, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def messages(self, item: GoldItem) -> list[dict[str, str]]:
        """What is sent for one item; of a conversation, the prompt holds what the user said first."""
        rest: list[dict[str, str]] = []
        if is_conversation(item):
            opening, *rest = item.input
            item = replace(item, input=opening["content"])
        told = [] if self.system is None else [{"role": "system", "content": _filled(self.system, item)}]
        return [*told, {"role": "user", "content": _filled(self.text, item)}, *rest]


def read_prompt(path: Path) -> Prompt:
    """The prompt of a file.

    Raises:
        InputError: It cannot be read, is empty, has no ``{input}`` or a hole that nothing fills, or a setting
            is unknown or impossible.
    """
    where = str(path)
    text = _read(path, "prompt")
    front = _FRONT.fullmatch(text) if text.startswith("---") else None
    said = _front_matter(front[1], where) if front else {}
    body = (front[2] if front else text).strip()
    unknown = sorted(set(said) - set(_SETTINGS))
    if unknown:
        raise InputError(
            f"the prompt has no setting {unknown[0]!r:.80}",
            where=where,
            hint=f"known: {', '.join(_SETTINGS)}",
        )
    system = said.get("system")
    if system is not None and not isinstance(system, str):
        raise InputError("system is not text", where=where)
    if "{input}" not in body and "{input}" not in (system or ""):
        raise InputError(
            "the prompt has no {input}, so every item would be asked the same",
            where=where,
            hint="write {input} where the question goes",
        )
    other = _ANY_HOLE.search(f"{body} {system or ''}")
    if other is not None:
        raise InputError(
            f"the prompt has {other[0]:.80}, which nothing fills",
            where=where,
            hint="known: {input} and {context}; write { name } where braces are meant",
        )
    return Prompt(
        text=body or "{input}",
        system=system,
        settings={name: said[name] for name in ("temperature", "max_tokens", "seed") if name in said},
        schema=_schema(said.get("schema"), path.parent, where),
    )


def _front_matter(text: str, where: str) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        said = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, RecursionError, ValueError) as error:
        raise InputError(
            f"what stands before the prompt is not YAML: {str(error)[:200]}", where=where
        ) from error
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise InputError("what stands before the prompt is no list of settings", where=where)
    for name, least, kinds in (
        ("temperature", 0.0, (int, float)),
        ("max_tokens", 1, (int,)),
        ("seed", None, (int,)),
    ):
        value = said.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
            raise InputError(f"{name} is {value!r:.40}, not a number", where=where)
        if least is not None and value < least:
            raise InputError(f"{name} is {value!r:.40}, below {least:g}", where=where)
    return said


def _schema(said: Any, folder: Path, where: str) -> Mapping[str, Any] | None:
    import jsonschema

    if said is None:
        return None
    if isinstance(said, str):
        where = str(folder / said)
        try:
            said = json.loads(_read(folder / said, "schema"))
        except (ValueError, RecursionError) as error:
            raise InputError(f"the schema is not JSON: {error}", where=where) from error
    try:
        json.dumps(said)
        jsonschema.Draft202012Validator.check_schema(said)
    except (jsonschema.SchemaError, TypeError, ValueError) as error:
        raise InputError(f"not a JSON Schema: {str(error)[:200]}", where=where) from error
    if not isinstance(said, dict):
        raise InputError("the schema of an answer is an object", where=where)
    return said


def _read(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise InputError(f"the {what} cannot be read: {reason}", where=str(path)) from error
    if len(data) > _MOST_BYTES:
        raise InputError(f"the {what} is larger than {_MOST_BYTES:,} bytes", where=str(path))
    if not text.strip():
        raise InputError(f"the {what} is empty", where=str(path))
    return text


def _filled(template: str, item: GoldItem) -> str:
    """In one pass, so that an input that itself holds ``{context}`` stays as it is."""
    values = {"input": item.input, "context": item.context}

    def value(hole: re.Match[str]) -> str:
        own = values[hole[1]]
        if own is None:
            return ""
        return own if isinstance(own, str) else orjson.dumps(own).decode()

    return _HOLE.sub(value, template)


class ModelTarget:
    """Asks a model with a prompt; the answer is its text, or the object of the prompt's schema."""

    def __init__(self, model: ChatModel, prompt: Prompt) -> None:
        self.model = replace(model, **(prompt.settings or {}))
        self.prompt = prompt
        self._client = ChatClient(self.model)

    @property
    def name(self) -> str:
        return f"{MODEL_PREFIX}{self.model.model}"

    async def open(self, *, concurrency: int) -> None:
        await self._client.open(concurrency=concurrency)

    async def close(self) -> None:
        await self._client.close()

    async def ask(self, item: GoldItem) -> Reply:
        reply = await self._client.complete(self.prompt.messages(item), schema=self.prompt.schema)
        raw = _said(reply, structured=self.prompt.schema is not None)
        raw["usage"] = {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens}
        if reply.cost_usd is not None:
            raw["cost_usd"] = reply.cost_usd
        if reply.dropped:
            raw["without"] = list(reply.dropped)  # parameters that the endpoint did not take
        return Reply(raw=raw, latency_ms=reply.latency_ms)


def _said(reply: ChatReply, *, structured: bool) -> dict[str, Any]:
    if reply.text is None:
        return {"output": reply.refusal, "answered": False}
    if structured:
        try:
            said = orjson.loads(reply.text)
        except ValueError:
            return {"output": reply.text}  # whoever asks for the shape measures that it is not there
        if isinstance(said, dict) and _FIELDS & set(said):
            return {name: value for name, value in said.items() if name not in ("cost_usd", "trace_id")}
        return {"output": said}
    return {"output": reply.text}


def model_target(
    address: str, *, base_url: str | None = None, prompt: Path | None = None, key_env: str | None = None
) -> ModelTarget:
    """The target at ``openai:MODEL``.

    Args:
        address: ``openai:`` and the model's name.
        base_url: Address of the endpoint, OpenAI's if None.
        prompt: File of the prompt; the bare input if None.
        key_env: Environment variable that holds the key.

    Raises:
        InputError: No model, no such address, or a prompt that cannot be used.
    """
    name = address.removeprefix(MODEL_PREFIX)
    model = ChatModel(model=name, base_url=base_url or OPENAI, key_env=key_env)
    return ModelTarget(model, Prompt() if prompt is None else read_prompt(prompt))


def model_release(target: ModelTarget, *, prompt: Path | None) -> Release:
    """The release that a model and a prompt make: change either, and it is another one."""
    parts: dict[str, Any] = {"model": target.model.parameters()}
    told = {"sha256": target.prompt.digest}
    parts["prompt"] = told if prompt is None else {"file": str(prompt), **told}
    return Release(parts, label=target.model.model)
