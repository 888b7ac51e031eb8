"""``launchworthy runs export`` and ``runs log-mlflow``: a run's items and figures go where others look."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from launchworthy.records import Run, RunItem

__all__ = ["export", "log_mlflow"]

_FORMS = (".parquet", ".arrow", ".jsonl", ".csv")
_DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy]."
)
_MOST_METRIC = 250  # characters of a name that MLflow takes
_MOST_AT_ONCE = 1_000  # metrics that it takes in a batch


@click.command()
@click.argument("run")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; its ending decides: .parquet, .arrow, .jsonl or .csv.",
)
@_DATA
def export(run: str, out: Path, data: Path | None) -> None:
    """Write a run's items with their scores to a file, a row an item; of the holdout, this is a reading."""
    from launchworthy.errors import InputError
    from launchworthy.evals.table import run_columns

    if out.suffix.lower() not in _FORMS:
        raise click.BadParameter(f"the file must end in {', '.join(_FORMS)}", param_hint="--out")
    _, items = _read(run, data, "runs export of")
    columns = run_columns(items)
    new = out.with_name(f".{out.name}.new")
    try:
        _write(columns, new, out.suffix.lower())
        new.replace(out)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", where=str(out)) from error
    finally:
        new.unlink(missing_ok=True)
    click.echo(f"{len(items):,} {'item' if len(items) == 1 else 'items'} in {out}")


def _read(run: str, data: Path | None, what: str) -> tuple[Run, list[RunItem]]:
    """The run and its items; where they are of the holdout, the reading is recorded first."""
    from launchworthy.cli.gold_options import count_reading
    from launchworthy.server import open_workspace

    workspace = open_workspace(data, make=False)
    try:
        header = workspace.run(run)
        count_reading(workspace, header, what)
        return header, workspace.run_items(run)
    finally:
        workspace.close()


def _write(columns: dict[str, list[Any]], path: Path, form: str) -> None:
    if form in (".parquet", ".arrow"):
        from arro3.io import write_ipc, write_parquet

        from launchworthy.evals.table import arrow_table

        with path.open("wb") as file:
            (write_parquet if form == ".parquet" else write_ipc)(arrow_table(columns), file)
        return
    with path.open("w", encoding="utf-8", newline="") as text:
        rows = zip(*columns.values(), strict=True)
        if form == ".jsonl":
            for row in rows:
                text.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n")
            return
        writer = csv.writer(text)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([";".join(value) if isinstance(value, list) else value for value in row])


@click.command(name="log-mlflow")
@click.argument("run")
@click.option("--tracking-uri", required=True, help="MLflow's store: http://… or sqlite:///….")
@click.option("--experiment", help="Experiment, made if it is not there [the product].")
@_DATA
def log_mlflow(run: str, tracking_uri: str, experiment: str | None, data: Path | None) -> None:
    """Log a run to MLflow tracking: each metric with its bounds and n, the release, and the items as a table.

    Logged again, the same run is a second MLflow run. Needs the extra mlflow.
    """
    header, items = _read(run, data, "runs log-mlflow of")
    mlflow_run = _logged(header, items, tracking_uri=tracking_uri, experiment=experiment or header.product)
    click.echo(f"{header.id} logged to {tracking_uri} as run {mlflow_run} of {experiment or header.product}")


def _logged(run: Run, items: list[RunItem], *, tracking_uri: str, experiment: str) -> str:
    import os
    import tempfile

    from launchworthy.errors import InputError, MissingExtraError
    from launchworthy.evals.table import run_columns

    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # else a wrong address takes minutes
    try:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise MissingExtraError("mlflow", extra="mlflow") from error
    started = int(run.started_at.timestamp() * 1_000)
    ended = started if run.finished_at is None else int(run.finished_at.timestamp() * 1_000)
    try:
        client = MlflowClient(tracking_uri=tracking_uri)
        known = client.get_experiment_by_name(experiment)
        place = client.create_experiment(experiment) if known is None else known.experiment_id
        made = client.create_run(place, start_time=started, run_name=run.id)
        figures = [Metric(name, value, ended, 0) for name, value in _figures(run, items).items()]
        for start in range(0, len(figures), _MOST_AT_ONCE):
            client.log_batch(made.info.run_id, metrics=figures[start : start + _MOST_AT_ONCE])
        client.log_batch(
            made.info.run_id,
            params=[Param(name, text[:6_000]) for name, text in _about(run).items()],
            tags=[RunTag("launchworthy.run", run.id), RunTag("launchworthy.simulated", str(run.simulated))],
        )
        with tempfile.TemporaryDirectory(prefix="launchworthy-") as folder:
            path = Path(folder) / "items.jsonl"
            _write(run_columns(items), path, ".jsonl")
            client.log_artifact(made.info.run_id, str(path))
        status = {"complete": "FINISHED", "running": "RUNNING"}.get(run.status, "FAILED")
        client.set_terminated(made.info.run_id, status=status, end_time=ended)
    except (MlflowException, OSError) as error:
        raise InputError(f"MLflow did not take it: {str(error)[:300]}", where=tracking_uri) from error
    return str(made.info.run_id)


def _figures(run: Run, items: list[RunItem]) -> Mapping[str, float]:
    """Numbers of the whole run and of each slice; what was not measured, or has no bound, is left out."""
    import math
    import re

    from launchworthy.evals import measure_run, metrics_of_run

    found: dict[str, float] = {"items": float(len(items)), "errors": float(run.errors)}
    for row in measure_run(items, metrics_of_run(run)):
        name = row.metric if row.slice is None else f"{row.metric}/{row.slice}"
        name = re.sub(r"[^\w./ -]", "_", name)[: _MOST_METRIC - 10]
        found[f"{name}.unscored"] = float(row.unscored)
        if row.interval is not None:
            for end in ("value", "low", "high", "n"):
                value = float(getattr(row.interval, end))
                if math.isfinite(value):
                    found[name if end == "value" else f"{name}.{end}"] = value
    return found


def _about(run: Run) -> Mapping[str, str]:
    names = ("product", "workflow", "release", "target", "gold", "split", "status")
    return {name: str(getattr(run, name)) for name in names} | {"scorers": ", ".join(run.scorers)}
