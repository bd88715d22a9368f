"""`flowcore run`: one run of one Dag to its end, with its progress on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import click

from flowcore.cli import options
from flowcore.cli.conf import parse_conf, parse_params
from flowcore.cli.event_loop import run_on_loop
from flowcore.cli.failures import FAILED
from flowcore.cli.import_comms import lookups_in
from flowcore.cli.logs import configure_logging
from flowcore.cli.run_once import MadeDags, run_once
from flowcore.cli.run_outcome import print_outcome
from flowcore.cli.run_progress import progress_on
from flowcore.domain.states import DagRunState
from flowcore.errors import DagError, DagNotFound, ParamError, UsageError
from flowcore.sdk.dags import DAG
from flowcore.sdk.loading import load_dag_source, read_dag_source
from flowcore.settings import ExecutorName, LogLevel, Settings, explain_settings, load_settings

MEMORY = "sqlite://"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("dag_id", required=False)
@click.option("--conf", metavar="JSON", help="What the run is given, as a JSON object.")
@click.option("--param", "params", metavar="K=V", multiple=True, help="One param of the run; repeatable.")
@options.database_url
@options.executor
@options.backend
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
@click.pass_context
def run(
    ctx: click.Context,
    file: Path,
    dag_id: str | None,
    conf: str | None,
    params: tuple[str, ...],
    database_url: str | None,
    executor: str | None,
    backend: str | None,
    as_json: bool,
) -> None:
    """Run one Dag of a file to its end.

    Without a database given anywhere, the run lives in memory and is gone afterwards. Exit status: 0
    success, 1 the run failed, 2 the input was unusable.
    """
    settings = _settings({"database_url": database_url, "executor": executor, "backend": backend})
    # What a scheduler logs as info is shown as progress here.
    configure_logging(LogLevel.WARNING if settings.log_level is LogLevel.INFO else settings.log_level)
    # Standard output is for the outcome; what Dag files and tasks print belongs to the progress.
    with redirect_stdout(sys.stderr):
        source = read_dag_source(file)
        with lookups_in(settings):
            dags = load_dag_source(source)
        dag = _choose(file, dags, dag_id)
        progress = progress_on(sys.stderr, tasks=len(dag.compile().tasks))
        made = MadeDags(source, dags)
        carry_out = partial(
            run_once, dag, made, _conf(dag, conf, params), settings, progress, with_values=as_json
        )
        outcome = run_on_loop(settings.backend, carry_out)
    print_outcome(outcome, as_json=as_json)
    ctx.exit(0 if outcome.run.state is DagRunState.SUCCESS else FAILED)


def _settings(given: Mapping[str, object]) -> Settings:
    overrides = dict(given)
    sources = {given.name: given.source for given in explain_settings(overrides)}
    if sources["database_url"] == "default":
        overrides["database_url"] = MEMORY
    if sources["executor"] == "default":
        overrides["executor"] = ExecutorName.IN_PROCESS
    return load_settings(overrides)


def _conf(dag: DAG, conf: str | None, params: Iterable[str]) -> Mapping[str, Any]:
    given = parse_params(params)
    # A conf may hold more than params, but a single param that the Dag lacks is a slip.
    if unknown := sorted(given.keys() - dag.params.keys()):
        has = f"it has {', '.join(sorted(dag.params))}" if dag.params else "it has none"
        raise ParamError(f"Dag {dag.dag_id!r} has no param {unknown[0]!r}; {has}")
    return {**parse_conf(conf), **given}


def _choose(file: Path, dags: list[DAG], dag_id: str | None) -> DAG:
    if not dags:
        raise DagError(f"{file} makes no Dag; define one with `@dag` and call it, or with `with DAG(...)`")
    found = [dag for dag in dags if dag_id in (None, dag.dag_id)]
    known = tuple(dag.dag_id for dag in dags)
    if not found:
        raise DagNotFound(str(dag_id), known)
    if len(found) > 1:
        raise UsageError(
            f"{file} makes several Dags; name one of them: flowcore run {file} {'|'.join(known)}"
        )
    return found[0]
