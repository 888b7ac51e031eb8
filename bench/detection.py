"""How soon a stream detector tells that a rate doubled, how often it tells it for nothing, and how fast it is.

    python bench/detection.py [--streams 20]

Streams of 200,000 events, wrong at a rate of 0.1 that doubles half way. False alarms are those of the first
half; River's ADWIN, which learns the rate by itself, runs over the same streams where it is installed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from launchworthy.stats import AdaptiveWindow, PromiseDetector

HALF = 100_000


def ours(run_length: float) -> Callable[[np.ndarray], list[int]]:
    """Places of alarms by the detector."""
    return lambda stream: [alarm.at for alarm in PromiseDetector(0.1, run_length=run_length).add(stream)]


def window(stream: np.ndarray) -> list[int]:
    """Places of changes by our own ADWIN, which is River's to the event."""
    return [shift.at for shift in AdaptiveWindow().add(stream.tolist())]


def adwin(make: Any) -> Callable[[np.ndarray], list[int]]:
    """Places of alarms by River, an event at a time, as it takes them."""

    def run(stream: np.ndarray) -> list[int]:
        detector, alarms = make(), []
        for place, loss in enumerate(stream.tolist()):
            detector.update(loss)
            if detector.drift_detected:
                alarms.append(place)
        return alarms

    return run


def measure(name: str, run: Callable[[np.ndarray], list[int]], *, streams: int) -> None:
    delays, false, cpu = [], 0, 0.0
    for seed in range(streams):
        rng = np.random.default_rng(seed)
        stream = np.r_[rng.random(HALF) < 0.1, rng.random(HALF) < 0.2].astype(float)
        began = time.process_time()
        calm = run(stream[:HALF])
        cpu += time.process_time() - began
        false += len(calm)
        delays.append(next((place - HALF for place in run(stream) if place >= HALF), HALF))
    print(
        f"{name:34} delay {median(delays):5,.0f} events (at most {max(delays):,})"
        f"   {false / streams:5.2f} false per {HALF:,}   {streams * HALF / cpu / 1e6:6.2f} M events per CPU second"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--streams", type=int, default=20)
    options = parser.parse_args()
    print("to reach: 5 M events/s (River's ADWIN 4.8)")
    for run_length in (1e5, 1e6):
        measure(f"one false alarm in {run_length:,.0f}", ours(run_length), streams=options.streams)
    measure("ADWIN, nothing promised", window, streams=options.streams)
    try:
        from river.drift import ADWIN
    except ImportError:
        print("river is not installed")
    else:
        measure("River's ADWIN", adwin(ADWIN), streams=options.streams)


if __name__ == "__main__":
    main()
