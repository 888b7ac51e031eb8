from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launchworthy.testing import recording

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def nothing_is_sent() -> Iterator[None]:
    """Records of the calls stay in this process."""
    with recording():
        yield
