"""A simulated maintainer decides on tickets that wait: ``python -m launchworthy.demo.maintainer``.

May import ``server`` (its operations, as the person whose key it is given) and this room. Whether a ticket
is of use stands beside it in ``requests.jsonl``: that stands for the judgement of a person. The newest stay
undecided, for you. What was approved the assistant then files, through its enforcer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import launchworthy as lw
from launchworthy.demo.assistant import PRODUCT, assistant, product_folder
from launchworthy.demo.users import read_requests
from launchworthy.errors import InputError, LaunchworthyError
from launchworthy.runtime.approval import Approval
from launchworthy.server import Workspace, read_note
from launchworthy.server.remote import RemoteWorkspace

__all__ = ["decide", "file_approved"]

_LEFT = 2


def decide(workspace: Workspace, judged: Mapping[tuple[str, str], bool]) -> tuple[list[Approval], int]:
    """Approve what is of use and reject what is not, all but the newest; those approved, and how many not.

    Args:
        workspace: As the person who decides.
        judged: Document and problem of a ticket → whether it is of use; any other is left alone.
    """
    approved, rejected = [], 0
    for each in workspace.approvals(product=PRODUCT, state="pending")[_LEFT:]:
        given = each.call.request.arguments
        is_useful = judged.get((str(given.get("document")), str(given.get("problem"))))
        if is_useful is None:
            continue
        if is_useful:
            done = workspace.approve(product=PRODUCT, approval_id=each.id, arguments_hash=each.hash)
            approved.append(done)
        else:
            workspace.reject(
                product=PRODUCT, approval_id=each.id, reason="it says nothing that could be mended"
            )
            rejected += 1
    return approved, rejected


def file_approved(approved: Sequence[Approval], *, server: str) -> int:
    """File the tickets that were approved; how many were."""
    enforcer = assistant("candidate", server=server).enforcer
    return sum(bool(enforcer.resume(each.id, simulated=True)) for each in approved)


def main() -> int:
    """Decide and file, with the key in ``LAUNCHWORTHY_KEY``; 1 if that cannot be done."""
    note = read_note(Path(".launchworthy"))
    key = os.environ.get("LAUNCHWORTHY_KEY")
    try:
        if note is None or not key:
            raise InputError(
                "there is no server, or no key", hint="run it in the demo's folder, with LAUNCHWORTHY_KEY"
            )
        lw.init(product=PRODUCT, endpoint=note.url)
        judged = {(each.document, each.problem): each.is_useful for each in read_requests(product_folder())}
        approved, rejected = decide(RemoteWorkspace(note.url, key=key), judged)
        filed = file_approved(approved, server=note.url)
    except LaunchworthyError as error:
        print(error, file=sys.stderr)
        return 1
    lw.flush(30.0)
    print(
        f"The simulated maintainer approved {len(approved):,} tickets and rejected {rejected:,}: "
        f"{filed:,} were filed, and {_LEFT} wait for you."
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
