"""One run of a Dag through the real scheduler, in memory: for tests of operators."""

from __future__ import annotations

from flowcore.app.dag_tests import arun_to_end
from flowcore.sdk import DAG
from flowcore.sdk.ended_runs import EndedTask


async def run_task(dag: DAG) -> EndedTask:
    """Run a Dag of one task; how the task ended."""
    [only] = (await arun_to_end(dag)).tasks.values()
    return only
