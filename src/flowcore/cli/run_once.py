"""Carry out one run with a scheduler of its own, and stop when told to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flowcore.app import Flowcore, Run, open
from flowcore.app.deadline import exit_after
from flowcore.app.opening import Options
from flowcore.cli.interruption import cancelled_by_signal
from flowcore.cli.run_outcome import Outcome
from flowcore.cli.run_progress import Progress
from flowcore.database.queries.listing_dags import list_dags
from flowcore.database.queries.listing_runs import list_task_instances
from flowcore.errors import UsageError
from flowcore.sdk.dags import DAG
from flowcore.settings import Settings

#: Seconds that giving back the tries of an interrupted run may take.
_STOP_S = 2.0


async def run_once(dag: DAG, conf: Mapping[str, Any], settings: Settings, progress: Progress) -> Outcome:
    """Trigger the Dag and show its progress until the run has ended.

    Raises:
        UsageError: the Dag cannot be triggered like this.
        Interrupted: SIGINT or SIGTERM came first.
    """
    async with (
        cancelled_by_signal(partial(exit_after, _STOP_S)),
        open(settings.database_url, options=_options(settings)) as fc,
    ):
        # Whoever runs a Dag by hand wants it to run; paused is for the schedulers of a database.
        dag.is_paused_upon_creation = False
        fc.register(dag)
        await fc.store_registered()
        await _refuse_paused(fc, dag.dag_id)
        run = await fc.trigger(dag.dag_id, conf=conf)
        await _show(run, progress)
        listing = partial(list_task_instances, dag_id=run.dag_id, run_id=run.run_id)
        return Outcome(run, await fc.database.read(listing))


def _options(settings: Settings) -> Options:
    # What the tasks say is shown on the terminal, and in no file.
    return Options.of(settings, creates_dag_runs=False, logs_folder=None)


async def _refuse_paused(fc: Flowcore, dag_id: str) -> None:
    listed = await fc.database.read(list_dags)
    if any(dag.dag_id == dag_id and dag.is_paused for dag in listed):
        raise UsageError(
            f"the Dag {dag_id!r} is paused in this database and would not run; "
            f"`flowcore dags unpause {dag_id}` lets it"
        )


async def _show(run: Run, progress: Progress) -> None:
    try:
        async for event in run:
            progress.show(event)
    finally:
        progress.close()
