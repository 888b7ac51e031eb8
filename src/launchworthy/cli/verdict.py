"""``launchworthy verdict``: the conclusion from a contract and the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import CONTRACT, DATA, HERE, PRODUCT, claims_of, contract_of, opened

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.evidence import Evidence, Verdict
    from launchworthy.records import Release
    from launchworthy.server import Workspace

_FORMS = ("text", "json", "markdown", "junit", "sarif", "github")
_STRANGERS = 10
_STYLES: Mapping[str, dict[str, Any]] = {
    "●": {"fg": "green"},
    "✎": {"fg": "green"},
    "✕": {"fg": "red"},
    "◌": {"fg": "yellow"},
    "◐": {"fg": "yellow"},
}


@click.command()
@CONTRACT
@click.option(
    "--evidence",
    "evidence_files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSONL file to judge by, without any data folder; may be repeated.",
)
@DATA
@PRODUCT
@click.option("--stage", help="Stage to enter [the first that may not be entered, else the last].")
@click.option(
    "--release",
    "release_name",
    help="Release to judge: its id, its label, or a YAML file of its parts [what the contract describes].",
)
@click.option("--at", "moment", help="Judge as of this time, such as 2026-11-24T09:00:00Z [now].")
@click.option(
    "--format",
    "forms",
    multiple=True,
    metavar="FORM[=FILE]",
    help="text, json, markdown, junit, sarif or github (annotations), printed or in a file; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for a pull request.")
@click.option("--junit", "as_junit", is_flag=True, help="Print JUnit XML: each claim is a test case.")
def command(
    contract_file: Path | None,
    evidence_files: tuple[Path, ...],
    data: Path | None,
    product: str | None,
    stage: str | None,
    release_name: str | None,
    moment: str | None,
    forms: tuple[str, ...],
    as_json: bool,
    as_markdown: bool,
    as_junit: bool,
) -> int:
    """Say which stage the release may enter, and what blocks the next.

    Exit code: 0 the stage may be entered, 1 a claim that it needs is unmet, 2 none is unmet but some are
    unproven, 64 usage.

    Example: launchworthy verdict --contract launchworthy.yaml --evidence evidence.jsonl --stage pilot
    """
    flags = [
        name for name, asked in (("json", as_json), ("markdown", as_markdown), ("junit", as_junit)) if asked
    ]
    asked = _forms(forms, flags)
    now = datetime.now(UTC) if moment is None else _time(moment)
    if evidence_files and data is not None:
        raise click.UsageError("--evidence is judged without a data folder; leave out --data")
    if evidence_files or _has_only_a_contract(data, contract_file):
        verdict = _judge(_from_files(contract_file, evidence_files), release_name, stage=stage, now=now)
    else:
        with opened(data) as workspace:
            case = _from_folder(workspace, contract_file, product)
            verdict = _judge(case, release_name, stage=stage, now=now)
            if moment is None:
                _record(workspace, verdict)
    for form, file in asked:
        _give(verdict, form, file)
    return verdict.exit_code


def judged(workspace: Workspace, product: str | None, *, stage: str | None) -> Verdict:
    """The verdict of a data folder at this moment, put on record in its audit chain."""
    case = _from_folder(workspace, None, product)
    found = _judge(case, None, stage=stage, now=datetime.now(UTC))
    _record(workspace, found)
    return found


def _has_only_a_contract(data: Path | None, contract_file: Path | None) -> bool:
    """Before anything was measured there is no data folder: then everything is unproven."""
    from launchworthy.server import data_folder

    return data is None and not data_folder().exists() and (contract_file or HERE).is_file()


@dataclass(frozen=True, kw_only=True)
class _Case:
    """All that is judged: a contract, evidence, and what is known of releases."""

    contract: Contract
    evidence: Sequence[Evidence]
    release: Release | str | None
    serving: Mapping[str, float] = field(default_factory=dict)
    releases: Mapping[str, Release] = field(default_factory=dict)


def _from_files(contract_file: Path | None, evidence_files: Sequence[Path]) -> _Case:
    from launchworthy.contract import load_contract
    from launchworthy.evals import release_of
    from launchworthy.evidence import read_evidence

    path = contract_file or HERE
    contract = load_contract(path)
    evidence = [piece for file in evidence_files for piece in read_evidence(file)]
    _tell_strangers(contract, evidence)
    release: Release | str | None = release_of(contract, folder=path.parent)
    if release is None:
        named = {piece.release for piece in evidence if piece.release is not None}
        release = named.pop() if len(named) == 1 else None
    return _Case(contract=contract, evidence=evidence, release=release)


def _tell_strangers(contract: Contract, evidence: Sequence[Evidence]) -> None:
    """Name claims of the evidence that the contract does not make: a misspelt address would go unheard."""
    import difflib

    from launchworthy.cli.figures import printable

    addresses = {claim.address for claim in claims_of(contract)}
    strangers = sorted({piece.claim for piece in evidence} - addresses)
    for stranger in strangers[:_STRANGERS]:
        full = f"{contract.product}/{stranger}"
        close = [full] if full in addresses else difflib.get_close_matches(stranger, sorted(addresses), n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        click.echo(
            f"not judged: the contract makes no claim {printable(stranger, most=200)}{meant}", err=True
        )
    if len(strangers) > _STRANGERS:
        click.echo(f"not judged: evidence for {len(strangers) - _STRANGERS:,} more such claims", err=True)


def _from_folder(workspace: Workspace, contract_file: Path | None, product: str | None) -> _Case:
    from launchworthy.cli.product import product_of
    from launchworthy.contract import load_contract
    from launchworthy.evals import release_of

    if contract_file is not None:
        contract = load_contract(contract_file)
        if product is not None and product != contract.product:
            raise click.UsageError(f"{contract_file} is the contract of {contract.product}, not of {product}")
    else:
        contract = contract_of(workspace, product_of(workspace, product))
    name = contract.product
    held = workspace.verdict(product=name) or {}
    release: Release | str | None = _held_release(held)
    if contract_file is not None or not held:
        release = release_of(contract, folder=Path(contract.file).parent) or release
    releases = workspace.releases(product=name)
    if release is None:
        release = next(reversed(releases.values()), None)  # the one last registered, as a server has it
    return _Case(
        contract=contract,
        evidence=workspace.evidence(name),
        release=release,
        serving={row["release"]: row["share"] for row in held.get("serving", ())},
        releases=releases,
    )


def _held_release(held: Mapping[str, Any]) -> Release | str | None:
    """The release that the data folder would judge: with its parts, where they are known."""
    from launchworthy.records import Release

    if held.get("parts"):
        return Release(held["parts"], label=held.get("label") or "")
    release = held.get("release")
    return release if isinstance(release, str) else None


def _judge(case: _Case, release_name: str | None, *, stage: str | None, now: datetime) -> Verdict:
    from launchworthy.evals.judging import declared_judges
    from launchworthy.evidence import terms_of, verdict_on

    claims = claims_of(case.contract)
    release = case.release if release_name is None else _named(release_name, case)
    return verdict_on(
        terms_of(case.contract, claims, judges=declared_judges(claims, folder=_folder(case.contract))),
        case.evidence,
        release=release,
        now=now,
        stage=stage,
        serving=case.serving,
        releases=case.releases,
    )


def _folder(contract: Contract) -> Path | None:
    """Where the files of a contract are, if its own is here as it is in force."""
    path = Path(contract.file)
    try:
        here = path.read_text(encoding="utf-8") == contract.text
    except (OSError, UnicodeDecodeError):
        here = False
    return path.parent if here else None


def _named(name: str, case: _Case) -> Release | str:
    """The release of an id, a label or a file of parts."""
    import difflib

    from launchworthy.errors import InputError
    from launchworthy.evals import read_release
    from launchworthy.records import Release

    if Path(name).is_file():
        return read_release(Path(name))
    releases: list[Release] = [*case.releases.values()]
    if isinstance(case.release, Release):
        releases.append(case.release)
    for known in reversed(releases):
        if name in (known.id, known.label):
            return known
    ids = {piece.release for piece in case.evidence if piece.release is not None}
    if name in ids or name == case.release:
        return name
    words = sorted({*ids, *(word for known in releases for word in (known.id, known.label) if word)})
    close = difflib.get_close_matches(name, words, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(words[:20]) or 'none'}"
    raise InputError(f"no release {name!r:.80} is known", where="--release", hint=hint)


def _time(text: str) -> datetime:
    from launchworthy.errors import InputError

    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InputError(
        f"{text!r:.80} is not a time with its zone", where="--at", hint="write 2026-11-24T09:00:00Z"
    )


def _record(workspace: Workspace, verdict: Verdict) -> None:
    """Put the verdict into the audit chain; who may only read gets it all the same."""
    from launchworthy.errors import LaunchworthyError
    from launchworthy.evidence import verdict_record

    try:
        workspace.record(product=verdict.terms.product, kind="verdict", body=verdict_record(verdict))
    except LaunchworthyError as error:
        click.echo(f"warning: this verdict is not in the audit chain: {error.message}", err=True)


def _forms(forms: Sequence[str], flags: Sequence[str]) -> list[tuple[str, Path | None]]:
    """What was asked for, as form and file: one form at most is printed; text, where nothing else is."""
    import difflib

    asked: list[tuple[str, Path | None]] = []
    for text in (*forms, *flags):
        form, sign, file = text.partition("=")
        if form not in _FORMS:
            close = difflib.get_close_matches(form, _FORMS, n=1)
            meant = f"did you mean {close[0]}?" if close else f"one of {', '.join(_FORMS)}"
            raise click.BadParameter(f"there is no form {form!r:.40}; {meant}", param_hint="--format")
        if sign and not file:
            raise click.BadParameter(f"{text!r:.40} names no file", param_hint="--format")
        asked.append((form, Path(file) if sign else None))
    printed = [form for form, file in asked if file is None]
    if len(printed) > 1:
        words = " and ".join(f"--{form}" if form in flags else f"--format {form}" for form in printed)
        raise click.UsageError(f"one form at a time, not {words}; the others can have a file: FORM=FILE")
    return asked if printed else [*asked, ("text", None)]


def _give(verdict: Verdict, form: str, file: Path | None) -> None:
    from launchworthy.errors import InputError

    if form == "text" and file is None:
        _print(verdict)
        return
    text = _written(verdict, form)
    if file is None:
        click.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(file)) from error


def _written(verdict: Verdict, form: str) -> str:
    import json

    from launchworthy import evidence

    if form == "text":
        return evidence.verdict_text(verdict, root=Path.cwd())
    if form == "markdown":
        return evidence.verdict_markdown(verdict)
    if form == "junit":
        return evidence.verdict_junit(verdict)
    if form == "github":
        return evidence.verdict_github(verdict, root=Path.cwd())
    body = (
        evidence.verdict_json(verdict) if form == "json" else evidence.verdict_sarif(verdict, root=Path.cwd())
    )
    return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _print(verdict: Verdict) -> None:
    from launchworthy.evidence import verdict_text

    title, *lines = verdict_text(verdict, root=Path.cwd()).splitlines()
    styled = [click.style(line, **_STYLES.get(line.lstrip()[:1], {})) for line in lines]
    # Styles are dropped where the output is no terminal.
    click.echo("\n".join([click.style(title, bold=True), *styled]))
