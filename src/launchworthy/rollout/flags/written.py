"""Flags as JSON values, read with every mistake at its place, and written back. Pure.

``refund-tone: {variants: {plain: false, warm: true}, rules: [{split: {plain: 1, warm: 1}, share: 20 %}]}``
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.rollout.bucketing import DEFAULT, Range, algorithm
from launchworthy.rollout.flags.model import (
    USER,
    Condition,
    Flag,
    FlagSet,
    Holdout,
    Namespace,
    Operator,
    Rule,
    Segment,
)
from launchworthy.rollout.flags.patterns import pattern_test

__all__ = [
    "flag_document",
    "flag_version",
    "flags_document",
    "flags_version",
    "read_flags",
    "read_flags_file",
]

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}")
_MOST = 10_000  # flags, units named, rules
_PATTERN_CHARS = 200
_TOP = ("product", "flags", "segments", "holdouts")
_FLAG = (
    "variants", "otherwise", "off", "enabled", "unit", "algorithm", "seed", "generation", "sticky",
    "namespace", "holdout", "overrides", "rules",
)  # fmt: skip
_RULE = ("name", "when", "segments", "serve", "split", "share")
_NUMERIC = (Operator.AT_LEAST, Operator.AT_MOST, Operator.ABOVE, Operator.BELOW)
_TEXTUAL = (
    Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS, Operator.MATCHES,
    Operator.VERSION_AT_LEAST, Operator.VERSION_BELOW,
)  # fmt: skip


def read_flags_file(path: Path | str) -> FlagSet:
    """Flags of a YAML or JSON file.

    Raises:
        InputError: It cannot be read; ``where`` is the file and the place in it.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"it cannot be read: {error}", where=str(path)) from error
    try:
        return read_flags(_parsed(text, json_only=path.suffix == ".json"))
    except InputError as error:
        place = f"{path}: {error.where}" if error.where else str(path)
        raise InputError(error.message, where=place, hint=error.hint) from error


def _parsed(text: str, *, json_only: bool) -> Any:
    try:
        if json_only:
            return json.loads(text, parse_constant=_no_constant)
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            return YAML(typ="safe", pure=True).load(text)
        except YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            said = getattr(error, "problem", None) or str(error).splitlines()[0]
            raise InputError(
                f"it is not YAML: {said}", where=f"line {mark.line + 1}" if mark else ""
            ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"it cannot be parsed: {str(error)[:200]}") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def read_flags(document: Any) -> FlagSet:
    """Flags of JSON values.

    Raises:
        InputError: The first thing that is wrong, and where.
    """
    top = _mapping(document, "", _TOP)
    product = _text(top.get("product"), "product")
    segments = {
        name: _segment(body, f"segments.{name}") for name, body in _named(top.get("segments"), "segments")
    }
    holdouts = {
        name: _holdout(name, body, f"holdouts.{name}")
        for name, body in _named(top.get("holdouts"), "holdouts")
    }
    flags = {
        key: _flag(key, body, f"flags.{key}", segments, holdouts)
        for key, body in _named(top.get("flags"), "flags")
    }
    _exclusive(flags.values())
    return FlagSet(product=product, flags=flags, segments=segments, holdouts=holdouts)


def flags_document(flags: FlagSet) -> dict[str, Any]:
    """The same as JSON values, everything said that was left to defaults."""
    return {
        "product": flags.product,
        "segments": {name: _segment_document(each) for name, each in flags.segments.items()},
        "holdouts": {name: _holdout_document(each) for name, each in flags.holdouts.items()},
        "flags": {key: flag_document(flag) for key, flag in flags.flags.items()},
    }


def flag_document(flag: Flag) -> dict[str, Any]:
    """One flag as JSON values."""
    return {
        "variants": dict(flag.variants),
        "otherwise": flag.otherwise,
        "off": flag.off,
        "enabled": flag.enabled,
        "unit": flag.unit,
        "algorithm": flag.algorithm,
        "seed": flag.salt,
        "generation": flag.generation,
        "sticky": flag.sticky,
        "namespace": None
        if flag.namespace is None
        else {
            "name": flag.namespace.name,
            "from": flag.namespace.low,
            "to": flag.namespace.high,
            "algorithm": flag.namespace.algorithm,
        },
        "holdout": flag.holdout,
        "overrides": dict(flag.overrides),
        "rules": [
            {
                "name": rule.name,
                "when": _conditions_document(rule.when),
                "segments": list(rule.segments),
                **({"serve": rule.serve} if rule.serve is not None else {}),
                **_split_document(rule),
            }
            for rule in flag.rules
        ],
    }


def _split_document(rule: Rule) -> dict[str, Any]:
    if rule.places:
        found: dict[str, list[list[float]]] = {}
        for each in rule.places:
            found.setdefault(each.variant, []).append([each.low, each.high])
        return {"split": found}
    return {"split": dict(rule.split), "share": rule.share} if rule.split else {}


def flag_version(flag: Flag, flags: FlagSet) -> str:
    """Content address of a flag and of what it shares with others."""
    used = {name for rule in flag.rules for name in rule.segments}
    held = None if flag.holdout is None else _holdout_document(flags.holdouts[flag.holdout])
    segments = {name: _segment_document(flags.segments[name]) for name in used}
    return _address([flag_document(flag), segments, held, _orders([flag])])


def flags_version(flags: FlagSet) -> str:
    """Content address of them all."""
    return _address([flags_document(flags), _orders(flag for _, flag in sorted(flags.flags.items()))])


def _orders(flags: Iterable[Flag]) -> list[list[list[str]]]:
    """Of the parts of each split, which decides who has what; sorted keys do not tell it."""
    return [[list(rule.split) for rule in flag.rules] for flag in flags]


def _address(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def _segment_document(segment: Segment) -> dict[str, Any]:
    return {
        "include": sorted(segment.include),
        "exclude": sorted(segment.exclude),
        "when": _conditions_document(segment.when),
    }


def _holdout_document(holdout: Holdout) -> dict[str, Any]:
    return {"share": holdout.share, "seed": holdout.seed}


def _conditions_document(conditions: Iterable[Condition]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in conditions:
        found.setdefault(each.attribute, {})[each.operator.value] = each.value
    return found


def _flag(
    key: str, body: Any, where: str, segments: Mapping[str, Segment], holdouts: Mapping[str, Holdout]
) -> Flag:
    if not _KEY.fullmatch(key):
        raise InputError(
            f"{key!r:.60} cannot be the key of a flag", where=where, hint="letters, digits, . _ : / -"
        )
    given = _mapping(body, where, _FLAG)
    variants = _variants(given.get("variants"), f"{where}.variants")
    # Of truth values the one that does nothing, wherever it stands: what is switched off is not on.
    idle = next((name for name, value in variants.items() if value is False), next(iter(variants)))
    off = _variant(given.get("off", idle), variants, f"{where}.off")
    name = _algorithm(given.get("algorithm", DEFAULT), f"{where}.algorithm")
    holdout = given.get("holdout")
    if holdout is not None:
        holdout = _one_of(_text(holdout, f"{where}.holdout"), holdouts, f"{where}.holdout", "holdout")
    rules, names = [], set()
    for place, each in enumerate(_list(given.get("rules", []), f"{where}.rules")):
        rule = _rule(each, place, f"{where}.rules[{place}]", variants, segments)
        if rule.name in names:
            raise InputError(f"two rules are named {rule.name!r:.60}", where=f"{where}.rules[{place}].name")
        names.add(rule.name)
        rules.append(rule)
    return Flag(
        key=key,
        variants=variants,
        otherwise=_variant(given.get("otherwise", off), variants, f"{where}.otherwise"),
        off=off,
        enabled=_flagged(given.get("enabled", True), f"{where}.enabled"),
        unit=_text(given.get("unit", USER), f"{where}.unit"),
        algorithm=name,
        seed=_text(given.get("seed") or key, f"{where}.seed"),
        generation=_count(given.get("generation", 1), f"{where}.generation"),
        sticky=_flagged(given.get("sticky", False), f"{where}.sticky"),
        namespace=_namespace(given.get("namespace"), f"{where}.namespace", name),
        holdout=holdout,
        overrides={
            _text(unit, f"{where}.overrides"): _variant(variant, variants, f"{where}.overrides.{unit}")
            for unit, variant in _named(given.get("overrides"), f"{where}.overrides")
        },
        rules=tuple(rules),
    )


def _algorithm(name: Any, where: str) -> str:
    try:
        return algorithm(_text(name, where)).name
    except InputError as error:
        raise InputError(error.message, where=where, hint=error.hint) from error


def _variants(body: Any, where: str) -> dict[str, Any]:
    found: dict[str, Any]
    if isinstance(body, list):
        found = {_text(name, where): name for name in body}
    else:
        found = dict(_named(body, where))
    if not found:
        raise InputError(
            "a flag has at least one variant", where=where, hint="write variants: {off: false, on: true}"
        )
    kinds = {_kind(value, f"{where}.{name}") for name, value in found.items()}
    if kinds == {"integer", "float"}:
        found = {name: float(value) for name, value in found.items()}
    elif len(kinds) > 1:
        raise InputError(f"variants are all of one type, not {' and '.join(sorted(kinds))}", where=where)
    return found


def _kind(value: Any, where: str) -> str:
    match value:
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() if -(2**63) <= value < 2**63:
            return "integer"
        case float() if math.isfinite(value):
            return "float"
        case dict():
            import orjson

            try:
                json.dumps(value, allow_nan=False)
                orjson.dumps(value)  # and no number beyond 64 bits
            except (TypeError, ValueError, RecursionError) as error:
                raise InputError("an object of JSON values", where=where) from error
            return "object"
    raise InputError(f"{value!r:.40} cannot be the value of a variant", where=where)


def _rule(
    body: Any, place: int, where: str, variants: Mapping[str, Any], segments: Mapping[str, Segment]
) -> Rule:
    given = _mapping(body, where, _RULE)
    if ("serve" in given) == ("split" in given):
        raise InputError("a rule has one of serve and split", where=where)
    split: dict[str, float] = {}
    places: tuple[Range, ...] = ()
    if "split" in given and any(isinstance(each, list) for _, each in _named(given["split"], where)):
        places = _places(given["split"], f"{where}.split", variants)
        for each in places:
            split[each.variant] = split.get(each.variant, 0.0) + each.high - each.low
        if "share" in given:
            raise InputError("a split by places has no share", where=f"{where}.share")
    elif "split" in given:
        for name, weight in _named(given["split"], f"{where}.split"):
            variant = _variant(name, variants, f"{where}.split")
            split[variant] = _share(weight, f"{where}.split.{name}", most=math.inf)
        if not 0 < sum(split.values()) < math.inf:
            raise InputError("the weights of a split sum up to more than nothing", where=f"{where}.split")
    elif "share" in given:
        raise InputError("only a split has a share", where=f"{where}.share", hint="write split: {on: 1}")
    named = given.get("segments", [])
    return Rule(
        name=_text(given.get("name", f"rule-{place + 1}"), f"{where}.name"),
        when=_conditions(given.get("when"), f"{where}.when"),
        segments=tuple(
            _one_of(_text(name, f"{where}.segments"), segments, f"{where}.segments", "segment")
            for name in ([named] if isinstance(named, str) else _list(named, f"{where}.segments"))
        ),
        serve=None if split else _variant(given["serve"], variants, f"{where}.serve"),
        split=split,
        share=sum(split.values()) if places else _share(given.get("share", 1.0), f"{where}.share"),
        places=places,
    )


def _places(body: Any, where: str, variants: Mapping[str, Any]) -> tuple[Range, ...]:
    """``{plain: [0, 0.4], warm: [[0.4, 0.5], [0.9, 1]]}``: positions that do not overlap."""
    found = []
    for name, told in _named(body, where):
        variant, place = _variant(name, variants, where), f"{where}.{name}"
        pairs = _list(told, place)
        for pair in pairs if any(isinstance(each, list) for each in pairs) else [pairs]:
            if not isinstance(pair, list) or len(pair) != 2:
                raise InputError("places are pairs such as [0, 0.4]", where=place)
            low, high = (_share(edge, place) for edge in pair)
            if low >= high:
                raise InputError(f"from {low:g} to {high:g} is no place", where=place)
            found.append(Range(low=low, high=high, variant=variant))
    for one, other in pairwise(sorted(found, key=lambda each: each.low)):
        if other.low < one.high:
            raise InputError(f"{one.variant} and {other.variant} share places", where=where)
    return tuple(found)


def _conditions(body: Any, where: str) -> tuple[Condition, ...]:
    found = []
    for attribute, wanted in _named(body, where):
        place = f"{where}.{attribute}"
        if isinstance(wanted, list):
            wanted = {Operator.IN.value: wanted}
        elif not isinstance(wanted, dict):
            wanted = {Operator.IS.value: wanted}
        for word, value in wanted.items():
            operator = Operator(_one_of(str(word), [each.value for each in Operator], place, "operator"))
            found.append(
                Condition(attribute=attribute, operator=operator, value=_compared(operator, value, place))
            )
    return tuple(found)


def _compared(operator: Operator, value: Any, where: str) -> Any:
    if operator in (Operator.IN, Operator.NOT_IN):
        return [_scalar(each, where) for each in _list(value, where)]
    if operator is Operator.EXISTS:
        return _flagged(value, where)
    if operator in _NUMERIC:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InputError(f"{operator} takes a number, not {value!r:.40}", where=where)
        return value
    if operator in _TEXTUAL:
        text = _text(str(value) if isinstance(value, (int, float)) else value, where)
        if operator is Operator.MATCHES:
            if len(text) > _PATTERN_CHARS:
                raise InputError(f"a pattern has at most {_PATTERN_CHARS} characters", where=where)
            pattern_test(text, where=where)
        return text
    return _scalar(value, where)


def _segment(body: Any, where: str) -> Segment:
    if isinstance(body, list):
        body = {"include": body}
    given = _mapping(body, where, ("include", "exclude", "when"))
    return Segment(
        include=frozenset(_text(each, f"{where}.include") for each in _list(given.get("include", []), where)),
        exclude=frozenset(_text(each, f"{where}.exclude") for each in _list(given.get("exclude", []), where)),
        when=_conditions(given.get("when"), f"{where}.when"),
    )


def _holdout(name: str, body: Any, where: str) -> Holdout:
    given = _mapping(body, where, ("share", "seed"))
    return Holdout(
        share=_share(given.get("share"), f"{where}.share"),
        seed=_text(given.get("seed", f"holdout-{name}"), f"{where}.seed"),
    )


def _namespace(body: Any, where: str, algorithm_of_flag: str) -> Namespace | None:
    if body is None:
        return None
    given = _mapping(body, where, ("name", "from", "to", "algorithm"))
    low, high = _share(given.get("from", 0), f"{where}.from"), _share(given.get("to", 1), f"{where}.to")
    if low >= high:
        raise InputError(f"from {low:g} to {high:g} is no part of it", where=where)
    return Namespace(
        name=_text(given.get("name"), f"{where}.name"),
        low=low,
        high=high,
        algorithm=_algorithm(given.get("algorithm", algorithm_of_flag), f"{where}.algorithm"),
    )


def _exclusive(flags: Iterable[Flag]) -> None:
    """Flags of one namespace exclude each other: no two may be in the same part, or find it differently."""
    held: dict[str, list[tuple[Namespace, Flag]]] = {}
    for flag in flags:
        if flag.namespace is None:
            continue
        for other, theirs in held.get(flag.namespace.name, ()):
            place = f"flags.{flag.key}.namespace"
            if other.low < flag.namespace.high and flag.namespace.low < other.high:
                raise InputError(
                    f"{flag.key} and {theirs.key} are in the same part of {flag.namespace.name}",
                    where=place,
                    hint="give each a part of its own with from and to",
                )
            if (flag.namespace.algorithm, flag.unit) != (other.algorithm, theirs.unit):
                raise InputError(
                    f"{flag.key} and {theirs.key} find their part of {flag.namespace.name} by different units"
                    " or algorithms, so they do not exclude each other",
                    where=place,
                )
        held.setdefault(flag.namespace.name, []).append((flag.namespace, flag))


def _mapping(body: Any, where: str, known: Iterable[str]) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise InputError(f"it is a mapping, not {body!r:.40}", where=where)
    for key in body:
        _one_of(str(key), list(known), where, "field")
    return body


def _named(body: Any, where: str) -> list[tuple[str, Any]]:
    if body is None:
        return []
    if not isinstance(body, dict) or len(body) > _MOST:
        raise InputError(f"it is a mapping of at most {_MOST:,}, not {body!r:.40}", where=where)
    return [(_text(str(key) if isinstance(key, (int, float)) else key, where), body[key]) for key in body]


def _list(body: Any, where: str) -> list[Any]:
    if not isinstance(body, list) or len(body) > _MOST:
        raise InputError(f"it is a list of at most {_MOST:,}, not {body!r:.40}", where=where)
    return body


def _one_of(name: str, known: Iterable[str], where: str, what: str) -> str:
    listed = list(known)
    if name in listed:
        return name
    near = difflib.get_close_matches(name, listed, n=1)
    raise InputError(
        f"no {what} {name!r:.60}" + (f"; did you mean {near[0]!r}?" if near else ""),
        where=where,
        hint=f"one of {', '.join(listed[:20])}" if listed else f"there is no {what}",
    )


def _variant(name: Any, variants: Mapping[str, Any], where: str) -> str:
    if isinstance(name, bool):  # YAML's true names the variant that is true
        found = [key for key, value in variants.items() if value is name]
        if len(found) == 1:
            return found[0]
    return _one_of(_text(name, where), variants, where, "variant")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        raise InputError(f"it is a text of at most 1000 characters, not {value!r:.40}", where=where)
    return value


def _scalar(value: Any, where: str) -> Any:
    if isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise InputError(f"it is one text, number or truth value, not {value!r:.40}", where=where)


def _flagged(value: Any, where: str) -> bool:
    if isinstance(value, bool):
        return value
    raise InputError(f"it is true or false, not {value!r:.40}", where=where)


def _count(value: Any, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**53:
        return value
    raise InputError(f"it is a whole number from 1 on, not {value!r:.40}", where=where)


def _share(value: Any, where: str, *, most: float = 1.0) -> float:
    given = value
    try:
        if isinstance(value, str):
            number = value.strip()
            value = float(number[:-1]) / 100 if number.endswith("%") else float(number)
        if not isinstance(value, bool) and isinstance(value, (int, float)) and 0 <= value <= most:
            return float(value)
    except (ValueError, OverflowError):
        pass
    what = "a share such as 0.2 or 20 %" if most == 1.0 else "a weight such as 1 or 50 %"
    raise InputError(f"it is {what}, not {given!r:.40}", where=where)
