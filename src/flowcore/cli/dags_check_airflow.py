"""`flowcore dags check-airflow`: which of Airflow's Dag files would run, and why others would not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import click

from flowcore.cli import options
from flowcore.cli.failures import FAILED
from flowcore.cli.output import print_rows
from flowcore.compat.airflow_imports import airflow_imports
from flowcore.domain.dag_sources import DagSource
from flowcore.errors import DagError
from flowcore.processor.discovery import find_dag_files
from flowcore.sdk.loading import load_dag_source, read_dag_source


@attrs.frozen
class Finding:
    """What was found out about a file: the Dags that would run, or one reason why they would not."""

    file: str
    verdict: str
    line: int | None
    what: str


@click.command("check-airflow")
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@options.output
@click.pass_context
def check_airflow(ctx: click.Context, folder: Path, output: str) -> None:
    """Report which Dag files written for Airflow would run.

    Every file of FOLDER is read, and imported when it needs nothing that flowcore lacks; no task is run.
    Exit status 1 when a file would not run.
    """
    files = find_dag_files(folder) if folder.is_dir() else [folder]
    findings = [finding for path in files for finding in check_file(path, folder)]
    print_rows([attrs.asdict(finding) for finding in findings], output)
    ctx.exit(FAILED if any(finding.verdict == "no" for finding in findings) else 0)


def check_file(path: Path, folder: Path) -> Iterator[Finding]:
    """Look at one file; there is at least one finding."""
    shown = str(path.relative_to(folder)) if folder.is_dir() else str(path)
    try:
        source = read_dag_source(path, folder=folder if folder.is_dir() else None)
        missing = list(_missing(source, shown))
        yield from missing or [_loaded(source, shown)]
    except DagError as error:
        yield Finding(shown, "no", None, str(error))


def _missing(source: DagSource, shown: str) -> Iterator[Finding]:
    try:
        imports = list(airflow_imports(source.text))
    except SyntaxError:
        return  # importing the file says it better
    for item in imports:
        if problem := item.problem:
            yield Finding(shown, "no", item.line, problem)


def _loaded(source: DagSource, shown: str) -> Finding:
    dags = load_dag_source(source)
    for dag in dags:
        dag.compile()
    if not dags:
        return Finding(shown, "no Dag", None, "it makes no Dag; helpers need none")
    return Finding(shown, "yes", None, ", ".join(dag.dag_id for dag in dags))
