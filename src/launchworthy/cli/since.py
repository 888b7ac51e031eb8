"""The moment that ``--since`` names. No command of its own."""

from __future__ import annotations

from datetime import datetime

import click

__all__ = ["since_of"]


def since_of(text: str, *, now: datetime) -> datetime:
    """So long ago.

    Raises:
        click.BadParameter: It is no length of time, or one longer than there are dates.
    """
    from datetime import timedelta

    from launchworthy.quantity import parse_quantity

    try:
        back = parse_quantity(text)
        if back.unit != "ms" or not back.value > 0:
            raise ValueError(f"{text!r} is no length of time")
        return now - timedelta(milliseconds=back.value)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{error}; write 6h or 7d", param_hint="--since") from error
