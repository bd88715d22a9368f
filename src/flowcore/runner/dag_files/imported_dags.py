"""The Dags that a Dag file makes in a process of ours: where a child finds the task of its try."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from flowcore.domain.dag_sources import DagSource
from flowcore.domain.workloads import Workload
from flowcore.errors import DagError, DatabaseUnavailable
from flowcore.sdk.dags import DAG
from flowcore.sdk.loading import load_dag_source
from flowcore.sdk.operators import BaseOperator


def import_dags(source: DagSource) -> list[DAG]:
    """Import one version of a Dag file; how this process logs stays as it was.

    Raises:
        DagError: It cannot be imported.
        DatabaseUnavailable: It may be imported another time: what it looks up could not be read now.
    """
    # What a file sets up there would write each line of its tries once more, or not at all.
    handlers, process = list(logging.root.handlers), os.getpid()
    try:
        return load_dag_source(source)
    except DagError as error:
        if isinstance(error.__cause__, DatabaseUnavailable):
            raise error.__cause__ from None
        raise
    finally:
        logging.root.handlers[:] = handlers
        # The file has forked, and this is the copy: it has no part in what this process is for.
        if os.getpid() != process:
            os._exit(0)


def task_of(dags: Sequence[DAG], workload: Workload) -> BaseOperator:
    """The task that the workload is a try of.

    Raises:
        DagError: The file made no such Dag this time.
        TaskNotFound: It made the Dag without the task.
    """
    return dag_of(dags, workload.run.dag_id).get_task(workload.task_id)


def dag_of(dags: Sequence[DAG], dag_id: str) -> DAG:
    """The Dag of that id.

    Raises:
        DagError: The file made no such Dag this time.
    """
    for dag in dags:
        if dag.dag_id == dag_id:
            return dag
    made = ", ".join(repr(dag.dag_id) for dag in dags) or "none"
    raise DagError(
        f"the file of Dag {dag_id!r} made other Dags this time ({made}); let it make the same ones whenever"
        " and wherever it is imported"
    )
