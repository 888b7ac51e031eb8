"""How well and how fast the guards against injection, hidden text, secrets and harm work.

    python bench/guards_injection.py --data FOLDER [--retrain]

On texts that training did not see: with ``--retrain`` (several minutes) each text of the folder is scored by a
model that was trained without its fold, as in ``train_guards.py``, and attacks in messages also by models that
were trained without the text alone, and without its whole source; without it the shipped models score the whole
folder, which is right for a folder that they were not trained on. Beside it: false alarms of the secrets
guard on Python's standard library (and of detect-secrets, where it is installed), and CPU time a message.
"""

from __future__ import annotations

import argparse
import statistics
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import guards_corpus as corpus
from guards_corpus import Example
from guards_figures import Figure, Scored, figures, overall
from guards_fitting import Plan, TooFewError, trial_of
from guards_plans import CLEAN_OUTSIDE, DIRECT_ATTACKS, HARMFUL, PLANS, REAL_BENIGN, REFUSED, planted_texts
from guards_split import BY_LIKENESS, BY_SOURCE, BY_TEXT, Split

from launchworthy.runtime.guards import Guard, GuardContext, Stage
from launchworthy.runtime.guards.harm import HarmGuard
from launchworthy.runtime.guards.hidden import HiddenTextGuard
from launchworthy.runtime.guards.injection import InjectionGuard
from launchworthy.runtime.guards.linear import bundled_model
from launchworthy.runtime.guards.refusal import refusal_score
from launchworthy.runtime.guards.secrets import SecretsGuard, find_secrets

NOTHING = GuardContext()
MESSAGE_WORDS = 200


def by_guard(guard: Guard, stage: Stage, texts: Sequence[Example]) -> list[Scored]:
    """What the shipped guard says of each text."""
    return [Scored(one, guard.check(stage, one.text, NOTHING).score or 0.0) for one in texts]


def shipped(folder: Path) -> dict[str, tuple[list[Scored], Sequence[str], Sequence[str]]]:
    """The shipped models on a folder; right for one that they were not trained on."""
    guard = InjectionGuard()
    planted = [
        one for one in planted_texts(folder) if one.source.startswith("BIPIA") or one.source in CLEAN_OUTSIDE
    ]
    hidden = sorted({one.source for one in planted if " in " in one.source})
    direct = [one for one in corpus.direct_examples(folder) if one.source != "AdvBench"]
    replies = corpus.replies(folder)
    return {
        "injection, direct": (by_guard(guard, Stage.INPUT, direct), DIRECT_ATTACKS, REAL_BENIGN),
        "injection, planted": (by_guard(guard, Stage.RETRIEVED, planted), hidden, CLEAN_OUTSIDE),
        "refusal": ([Scored(one, refusal_score(one.text)) for one in replies], REFUSED, ("complied",)),
        "harm": (
            by_guard(HarmGuard(), Stage.INPUT, corpus.harm_examples(folder)),
            HARMFUL,
            (*REAL_BENIGN, "moderation clean"),
        ),
    }


def secrets_on_code() -> None:
    """False alarms on code that holds no secret."""
    paths = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    sources = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    lines = sum(source.count("\n") for source in sources)
    print(f"secrets, {len(paths)} files ({lines:,} lines) of the standard library, which hold none")
    print(f"  this guard       {sum(len(find_secrets(source)) for source in sources)} false alarms")
    try:
        from detect_secrets import SecretsCollection
        from detect_secrets.settings import default_settings
    except ImportError:
        print("  detect-secrets   not installed")
        return
    found = SecretsCollection()
    with default_settings():
        for path in paths:
            found.scan_file(str(path))
    print(f"  detect-secrets   {sum(1 for _ in found)} false alarms")


def messages(folder: Path) -> list[str]:
    """Messages of 200 words, of the words of real ones."""
    words = " ".join(row["text"] for row in corpus.rows(folder, "benign/banking77.jsonl")).split()
    size = MESSAGE_WORDS
    return [" ".join(words[at : at + size]) for at in range(0, len(words) - size, size)][:80]


def speed(folder: Path) -> None:
    """CPU milliseconds a message, guard by guard and in a row."""
    texts = messages(folder)
    if not texts:
        return
    print(f"CPU a message of {MESSAGE_WORDS} words ({len(texts)} messages, five times)")
    guards: dict[str, tuple[Guard, Stage]] = {
        "injection, input": (InjectionGuard(), Stage.INPUT),
        "injection, passage": (InjectionGuard(), Stage.RETRIEVED),
        "secrets": (SecretsGuard(), Stage.OUTPUT),
        "hidden text": (HiddenTextGuard(), Stage.OUTPUT),
        "harm": (HarmGuard(), Stage.INPUT),
    }
    for name, (guard, stage) in guards.items():
        _timed(name, lambda text, guard=guard, stage=stage: guard.check(stage, text, NOTHING), texts)  # type: ignore[misc]
    first, second, third = InjectionGuard(), SecretsGuard(), HiddenTextGuard()

    def in_a_row(text: str) -> object:
        return [guard.check(Stage.INPUT, text, NOTHING) for guard in (first, second, third)]

    _timed("injection, secrets, hidden text", in_a_row, texts)


def _timed(name: str, check: Callable[[str], object], texts: Sequence[str]) -> None:
    taken = []
    for _ in range(5):
        for text in texts:
            start = time.process_time_ns()
            check(text)
            taken.append((time.process_time_ns() - start) / 1e6)
    taken.sort()
    print(f"  {name:34} p50 {statistics.median(taken):.2f} ms  p99 {taken[int(len(taken) * 0.99)]:.2f} ms")


def show(name: str, lines: Sequence[Figure]) -> None:
    print(name)
    print("\n".join(map(str, lines)))


def retrained(plan: Plan, folder: Path, split: Split, *, only: str | None = None) -> None:
    """Show how models do on texts that their training did not see."""
    try:
        trial = trial_of(plan, folder, split, only=only)
    except TooFewError as error:
        print(error)
        return
    for use, own in trial.figures.items():
        show(f"{plan.name}, {use} ({split.name})", own)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the guards against injection and their kin.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/safety"))
    parser.add_argument(
        "--retrain", action="store_true", help="Score each text by a model trained without it."
    )
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"{arguments.data} is not a folder; give --data the folder of the safety data")
    if arguments.retrain:
        for plan in PLANS:
            retrained(plan, arguments.data, BY_LIKENESS)
        for split in (BY_TEXT, BY_SOURCE):
            retrained(PLANS[0], arguments.data, split, only="direct")
    else:
        for name, (scored, attacks, clean) in shipped(arguments.data).items():
            if scored:
                version = bundled_model(name.partition(",")[0]).version
                show(
                    f"{name} (shipped model {version})",
                    [*overall(scored, attacks, clean), *figures(scored, clean)],
                )
    secrets_on_code()
    speed(arguments.data)


if __name__ == "__main__":
    main()
