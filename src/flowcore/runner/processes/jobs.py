"""Jobs: what a fork server can be told to do in a child of its own.

A job is named `module:function`. Its module is imported by the server, once, so that children begin with
it. The function is called with a `Job` and runs until the child has nothing more to do; then the process
ends, without what `atexit` was told.
"""

from __future__ import annotations

import importlib
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import attrs

from flowcore.errors import UsageError
from flowcore.sdk.dags import DAG

#: Imports one version of a Dag file, and is a fork server for the tries of its Dags.
DAG_SERVER = "flowcore.runner.processes.dag_server:serve_dags"
#: Carries out one try, in a child of a Dag server.
TRY = "flowcore.runner.try_child:run_try"
#: Tells the callbacks of a try that its process died, in a child of a Dag server.
CALLBACKS = "flowcore.runner.callbacks.callback_child:call_back_for_dead"
#: Calls the callbacks of a Dag, in a child of a Dag server.
DAG_CALLBACKS = "flowcore.runner.callbacks.dag_callback_child:call_back_dag"
#: Carries out many tries of coroutines side by side.
WARM_WORKER = "flowcore.runner.warm_worker:run_worker"


@attrs.frozen
class Job:
    """What a job is given.

    `comms` is a blocking socket to whoever asked for the child. `dags` are those that the server had
    imported when it forked the child.
    """

    comms: socket.socket
    payload: Mapping[str, Any]
    dags: Sequence[DAG] = ()


@cache
def find_job(name: str) -> Callable[[Job], None]:
    """The function of a job.

    Raises:
        UsageError: there is none of that name, or its module cannot be imported.
    """
    module, _, function = name.partition(":")
    try:
        found: Callable[[Job], None] = getattr(importlib.import_module(module), function)
    # Whatever an import raises: the server must not end with it.
    except Exception as error:
        raise UsageError(
            f"there is no job {name!r}: {type(error).__name__}: {error}; name a function as `module:function`"
        ) from error
    return found
