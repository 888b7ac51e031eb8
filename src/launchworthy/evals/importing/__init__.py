"""Result files of other tools, read as runs: each item with its scores, so that our intervals apply to them.

May import ``contract``, ``errors``, ``evidence``, ``jsonl``, ``metrics``, ``records`` and ``evals``. A tool's
own conclusion is never taken over: only what it noted of each item, and of that the booleans and numbers,
never the words.
"""

from launchworthy.evals.importing.adding import imported_evidence, imported_run
from launchworthy.evals.importing.reading import FORMATS, read_results
from launchworthy.evals.importing.results import ALL, Results

__all__ = ["ALL", "FORMATS", "Results", "imported_evidence", "imported_run", "read_results"]
