"""Under which names a person stands on records: an option, and the pseudonym that applications give them.

No command of its own.
"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["STATE", "pseudonyms_of"]

STATE = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="State folder of the SDK whose key made its pseudonyms [that of this machine's user].",
)


def pseudonyms_of(user_id: str, state: Path | None) -> list[str]:
    """The pseudonym that an application of this machine gives a user; none where no key is found.

    Raises:
        InputError: A state folder was named, and has no key.
    """
    from launchworthy.capture.sdk.settings import settings_from
    from launchworthy.errors import InputError
    from launchworthy.records import is_pseudonym, pseudonym

    settings = settings_from(state=state)
    file = settings.state / "pseudonym.key"
    try:
        key = (settings.pseudonym_key if state is None else None) or file.read_bytes().strip()
    except OSError as error:
        if state is not None:
            raise InputError(f"no key is there: {error.strerror}", where=str(file)) from error
        return []
    return [] if is_pseudonym(user_id) else [pseudonym(user_id, key=key)]
