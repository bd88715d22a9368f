"""Carry out one run with a scheduler of its own, and stop when told to."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from flowcore.app import Flowcore, Run, open
from flowcore.app.deadline import exit_after
from flowcore.app.options import Options
from flowcore.cli.interruption import cancelled_by_signal
from flowcore.cli.run_outcome import Outcome
from flowcore.cli.run_progress import Progress
from flowcore.clock import SystemClock
from flowcore.database.queries.listing_dags import list_dags
from flowcore.database.queries.listing_runs import ListedTaskInstance, list_task_instances
from flowcore.domain.dag_files import FolderChanges, NewVersion, code_digest
from flowcore.domain.dag_sources import DagSource
from flowcore.errors import UsageError
from flowcore.processor.storing import FolderStore
from flowcore.sdk.dags import DAG
from flowcore.settings import ExecutorName, Settings

log = logging.getLogger(__name__)

#: Seconds that giving back the tries of an interrupted run may take.
_STOP_S = 2.0


@attrs.frozen
class MadeDags:
    """A Dag file and the Dags that it has made here."""

    source: DagSource
    dags: Sequence[DAG]

    def changes(self) -> FolderChanges:
        """What is to be written so that other processes can carry out tries of these Dags."""
        code = code_digest(self.source.text)
        versions = [NewVersion.of(dag.compile(), self.source, code=code) for dag in self.dags]
        return FolderChanges(
            versions=versions, makes={self.source.path: [version.dag.dag_id for version in versions]}
        )


async def run_once(
    dag: DAG,
    made: MadeDags,
    conf: Mapping[str, Any],
    settings: Settings,
    progress: Progress,
    *,
    with_values: bool,
) -> Outcome:
    """Trigger the Dag and show its progress until the run has ended.

    The outcome is `with_values` of what tasks returned, or without.

    Raises:
        UsageError: the Dag cannot be triggered like this.
        Interrupted: SIGINT or SIGTERM came first.
    """
    async with (
        cancelled_by_signal(partial(exit_after, _STOP_S)),
        open(settings.database_url, dags_folder=_folder(made, settings), options=_options(settings)) as fc,
    ):
        # Whoever runs a Dag by hand wants it to run; paused is for the schedulers of a database.
        dag.is_paused_upon_creation = False
        await _make_known(fc, dag, made)
        await _refuse_paused(fc, dag.dag_id)
        run = await fc.trigger(dag.dag_id, conf=conf)
        await _show(run, progress)
        await run.wait_callbacks()
        listing = partial(list_task_instances, dag_id=run.dag_id, run_id=run.run_id)
        listed = await fc.database.read(listing)
        return Outcome(run, listed, await _values(run, listed) if with_values else {})


def _options(settings: Settings) -> Options:
    # What the tasks say is shown on the terminal, and in no file.
    return Options.of(settings, creates_dag_runs=False, logs_folder=None, reads_dag_files=False)


def _folder(made: MadeDags, settings: Settings) -> str | None:
    # Tries in processes of their own import the file from its folder; those in this one have the Dag.
    return made.source.folder if settings.executor is ExecutorName.LOCAL else None


async def _make_known(fc: Flowcore, dag: DAG, made: MadeDags) -> None:
    if fc.folder is None:
        fc.register(dag)
        await fc.store_registered()
    else:
        await FolderStore(fc.database, SystemClock(), paused_at_creation=False).store([made.changes()])


async def _values(run: Run, listed: Sequence[ListedTaskInstance]) -> Mapping[str, Any]:
    # The same text is the same value: a reference names its task instance.
    return {item.xcom: await _value(run, item.xcom) for item in listed if item.xcom is not None}


async def _value(run: Run, text: str) -> Any:
    try:
        return await run.value_of(text)
    # Whatever an operator's backend raises: the rest of the outcome is worth showing.
    except Exception as error:
        log.warning("the outcome shows an XCom as it is stored: %s: %s", type(error).__name__, error)
        return json.loads(text)


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
