"""What looking for personal data costs the receiver: CPU for a span, the first time and when texts came before.

    python bench/redaction.py [--batches 4]

Load: the batches of ``bench/ingest.py``, about 2.5 KB a span on the wire.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import ingest

from launchworthy.capture.pricing import default_prices
from launchworthy.capture.receiver import Receiver, StoragePolicy
from launchworthy.runtime.redaction import TextRedaction

KINDS = {
    "nothing": (),
    "patterns": ("email", "phone", "iban", "card"),
    "patterns and names": ("email", "phone", "iban", "card", "name", "address"),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=4)
    batches = parser.parse_args().batches
    bodies = [ingest.make_batch(seed)[0] for seed in range(batches)]
    for name, find in KINDS.items():
        redact = TextRedaction(find=find, how="pseudonymise", key=b"k" * 32) if find else None
        policy = StoragePolicy(redact=redact)
        receiver = Receiver(prices=default_prices(), pseudonym_key=b"k" * 32, policy=_always(policy))
        first, again = (_decoded(receiver, bodies) / (batches * ingest.BATCH) * 1e6 for _ in range(2))
        print(f"{name:20} {first:8,.0f} us a span, {again:6,.0f} us where its texts came before")


def _always(policy: StoragePolicy) -> Callable[[str], StoragePolicy]:
    return lambda product: policy


def _decoded(receiver: Receiver, bodies: list[bytes]) -> float:
    begun = time.process_time()
    for body in bodies:
        receiver.decode(
            "traces",
            body,
            content_type="application/x-protobuf",
            encoding=None,
            received_at_ns=time.time_ns(),
        )
    return time.process_time() - begun


if __name__ == "__main__":
    main()
