"""The same 2,000 items x 3 scorers in other tools, each in an environment of its own. Run by ``bench/evals.py --peers``.

    python bench/evals.py --peers [--peer-folder DIR]

DeepEval and inspect_ai come from pip, promptfoo from npm, the versions that are newest that day; a tool that
cannot be installed is told and left out. Byte code is compiled before anything is measured. Wall time is that
of the run, without imports; promptfoo is a command line, so its wall time is the whole command's.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

# Each prints one JSON line: seconds of the run, CPU seconds of it, items, and the share that was right.
_MEASURED = """
import json, sys, time
url, count, concurrency = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def tell(started, cpu, right):
    print(json.dumps([time.perf_counter() - started, time.process_time() - cpu, count, right]), flush=True)
"""

_DEEPEVAL = (
    _MEASURED
    + """
import asyncio, os
os.environ.update(DEEPEVAL_TELEMETRY_OPT_OUT="YES", DEEPEVAL_DISABLE_PROGRESS_BAR="1", OPENAI_API_KEY="x")
from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase
from openai import AsyncOpenAI

class Own(BaseMetric):
    def __init__(self, name, rule):
        self.threshold, self.name, self.rule, self.async_mode = 0.5, name, rule, True
        self.include_reason = False
    def measure(self, test_case, *args, **kwargs):
        self.score = float(self.rule(test_case))
        self.success = self.score >= self.threshold
        return self.score
    async def a_measure(self, test_case, *args, **kwargs):
        return self.measure(test_case)
    def is_successful(self):
        return self.success
    @property
    def __name__(self):
        return self.name

def f1(case):
    a, b = set(case.actual_output.split()), set(case.expected_output.split())
    return 2 * len(a & b) / (len(a) + len(b))

metrics = [Own("exact", lambda c: c.actual_output == c.expected_output), Own("f1", f1),
           Own("holds", lambda c: c.expected_output.split()[-1] in c.actual_output)]

async def ask_all():
    client, gate = AsyncOpenAI(base_url=url), asyncio.Semaphore(concurrency)
    async def one(n):
        async with gate:
            reply = await client.chat.completions.create(model="fake", messages=[{"role": "user", "content": f"what is {n}"}])
        return LLMTestCase(input=f"what is {n}", actual_output=reply.choices[0].message.content,
                           expected_output=f"the answer to {n} is {n}")
    return await asyncio.gather(*(one(n) for n in range(count)))

started, cpu = time.perf_counter(), time.process_time()
cases = asyncio.run(ask_all())
result = evaluate(test_cases=list(cases), metrics=metrics,
                  async_config=AsyncConfig(run_async=True, max_concurrent=concurrency, throttle_value=0),
                  display_config=DisplayConfig(show_indicator=False, print_results=False),
                  cache_config=CacheConfig(write_cache=False, use_cache=False))
tell(started, cpu, sum(r.success for r in result.test_results) / count)
"""
)

_INSPECT = (
    _MEASURED
    + """
import os
os.environ.update(OPENAI_API_KEY="x", OPENAI_BASE_URL=url)
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, accuracy, mean, scorer
from inspect_ai.solver import generate

@scorer(metrics=[accuracy()])
def exact():
    async def score(state, target):
        return Score(value=float(state.output.completion == target.text))
    return score

@scorer(metrics=[mean()])
def f1():
    async def score(state, target):
        a, b = set(state.output.completion.split()), set(target.text.split())
        return Score(value=2 * len(a & b) / (len(a) + len(b)))
    return score

@scorer(metrics=[accuracy()])
def holds():
    async def score(state, target):
        return Score(value=float(target.text.split()[-1] in state.output.completion))
    return score

samples = [Sample(id=n + 1, input=f"what is {n}", target=f"the answer to {n} is {n}") for n in range(count)]
task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=[exact(), f1(), holds()])
fast = {"log_realtime": False, "score_display": False} if len(sys.argv) > 4 else {}
started, cpu = time.perf_counter(), time.process_time()
(log,) = eval(task, model="openai/fake", model_args={"responses_api": False}, max_connections=concurrency, max_samples=concurrency, display="none",
              log_dir="logs", **fast)
tell(started, cpu, log.results.scores[0].metrics["accuracy"].value)
"""
)

_RULES = """
module.exports = {
  exact: (output, { vars }) => ({ pass: output === vars.truth, score: output === vars.truth ? 1 : 0, reason: "exact" }),
  holds: (output, { vars }) => ({ pass: output.includes(vars.last), score: 1, reason: "holds" }),
  f1: (output, { vars }) => {
    const a = new Set(output.split(" ")), b = new Set(vars.truth.split(" "));
    const both = [...a].filter((word) => b.has(word)).length, score = (2 * both) / (a.size + b.size);
    return { pass: score >= 0.5, score, reason: "f1" };
  },
};
"""


@dataclass(frozen=True)
class Peer:
    """What one tool took."""

    name: str
    wall_s: float
    cpu_ms_each: float
    right: float


def install(folder: Path) -> dict[str, Path]:
    """The tools that could be installed, by name: the interpreter or the program to start."""
    found: dict[str, Path] = {}
    for name, packages in (("deepeval", ["deepeval", "openai"]), ("inspect_ai", ["inspect_ai", "openai"])):
        python = folder / name / "bin" / "python"
        try:
            if subprocess.run(
                [python, "-c", f"import {packages[0]}, openai"], capture_output=True, check=False
            ).returncode:
                raise FileNotFoundError(python)
        except FileNotFoundError:
            venv.create(folder / name, with_pip=True)
            done = subprocess.run(
                [python, "-m", "pip", "install", "--quiet", *packages], capture_output=True, text=True
            )
            if done.returncode:
                print(f"{name} could not be installed: {done.stderr.strip().splitlines()[-1]}")
                continue
        subprocess.run(
            [python, "-m", "compileall", "-q", str(folder / name / "lib")], capture_output=True, check=False
        )
        found[name] = python
    program = folder / "promptfoo" / "node_modules" / ".bin" / "promptfoo"
    if not program.exists() and (npm := shutil.which("npm")):
        program.parents[2].mkdir(parents=True, exist_ok=True)
        command = [
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(program.parents[2]),
            "promptfoo",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"promptfoo could not be installed: {done.stderr.strip().splitlines()[-1]}")
    if program.exists():
        found["promptfoo"] = program
    return found


def measure(tools: dict[str, Path], url: str, *, items: int, concurrency: int) -> list[Peer]:
    """Run each tool once on the same endpoint."""
    found = []
    jobs = [
        ("DeepEval", "deepeval", _DEEPEVAL, ()),
        ("inspect_ai", "inspect_ai", _INSPECT, ()),
        ("inspect_ai, tuned", "inspect_ai", _INSPECT, ("fast",)),
    ]
    for shown, name, script, more in jobs:
        if name not in tools:
            continue
        with TemporaryDirectory() as folder:
            command = [str(tools[name]), "-c", script, f"{url}/v1", str(items), str(concurrency), *more]
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
        if done.returncode or not lines:
            print(f"{shown} failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
            continue
        wall, cpu, count, right = json.loads(lines[-1])
        found.append(Peer(shown, wall, cpu * 1_000 / count, right))
    if "promptfoo" in tools:
        found += _promptfoo(tools["promptfoo"], url, items=items, concurrency=concurrency)
    return found


def _promptfoo(program: Path, url: str, *, items: int, concurrency: int) -> list[Peer]:
    import time

    with TemporaryDirectory() as folder:
        Path(folder, "rules.js").write_text(_RULES)
        rules = [
            {"type": "javascript", "value": f"file://rules.js:{name}"} for name in ("exact", "f1", "holds")
        ]
        config = {
            "prompts": ["what is {{n}}"],
            "providers": [{"id": "openai:chat:fake", "config": {"apiBaseUrl": f"{url}/v1", "apiKey": "x"}}],
            "defaultTest": {"assert": rules},
            "tests": [
                {"vars": {"n": str(n), "truth": f"the answer to {n} is {n}", "last": str(n)}}
                for n in range(items)
            ],
        }
        Path(folder, "promptfooconfig.json").write_text(json.dumps(config))
        environment = os.environ | {
            "PROMPTFOO_CONFIG_DIR": folder,
            "PROMPTFOO_DISABLE_TELEMETRY": "1",
            "PROMPTFOO_DISABLE_UPDATE": "1",
            "PROMPTFOO_DISABLE_REMOTE_GENERATION": "true",
        }
        command = [str(program), "eval", "-c", "promptfooconfig.json", "-j", str(concurrency), "--no-cache"]
        command += ["--no-progress-bar", "--no-table", "-o", "out.json"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, env=environment, check=False
        )
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        try:
            stats = json.loads(Path(folder, "out.json").read_text())["results"]["stats"]
        except (OSError, ValueError, KeyError):
            print(f"promptfoo failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
            return []
        return [Peer("promptfoo (command)", wall, cpu * 1_000 / items, stats["successes"] / items)]


if __name__ == "__main__":
    sys.exit("run: python bench/evals.py --peers")
