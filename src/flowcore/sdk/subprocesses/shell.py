"""What tasks that run bash have in common: how it is called, and with which environment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence

from flowcore.errors import DagError
from flowcore.sdk.context import Context
from flowcore.sdk.context_variables import context_variables
from flowcore.sdk.operators import BaseOperator


def bash_argv(text: str) -> Sequence[str]:
    """How bash is called for a command.

    Raises:
        DagError: there is no bash.
    """
    bash = shutil.which("bash")
    if bash is None:
        raise DagError("there is no bash on this machine; install it, or use a @task instead")
    return [bash, "-c", text]


def command_environment(
    task: BaseOperator, context: Context, env: Mapping[str, str] | None, *, append: bool = False
) -> Mapping[str, str]:
    """What a command of the task gets: `env`, or without it that of the task, or both; and which try it is.

    In a process with other tries nothing else says that.
    """
    surroundings = os.environ if env is None or append else {}
    told = context_variables(
        task,
        run_id=context["run_id"],
        try_number=context["ti"].try_number,
        logical_date=context["dag_run"].logical_date,
    )
    return {**surroundings, **(env or {}), **told}
