from __future__ import annotations

from collections.abc import Iterator

import pytest

from launchworthy.testing import recording


@pytest.fixture(autouse=True)
def nothing_is_sent() -> Iterator[None]:
    """Records of the calls stay in this process."""
    with recording():
        yield
