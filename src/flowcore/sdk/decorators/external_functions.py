"""What `@task.external_python` makes of a function: it is called by another Python, with packages of its own.

That Python is given the function's text, so the function imports what it needs itself. Arguments are
pickled; what it returns comes back as JSON, as XComs are. Waiting for it holds no process here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from flowcore.errors import DagError
from flowcore.sdk.exceptions import AirflowException, TaskSkipped
from flowcore.sdk.functions import FunctionOperator
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.references import Lookup
from flowcore.sdk.subprocesses.command_steps import Steps, StepsCall, atemporary_folder, temporary_folder
from flowcore.sdk.subprocesses.commands import Command, Finished
from flowcore.sdk.subprocesses.external_calls import ExternalCall, check_serializer, plain_source
from flowcore.sdk.task_callables import TaskCallable

if TYPE_CHECKING:
    from flowcore.sdk.context import Context

log = logging.getLogger(__name__)

#: What of the context another Python can understand.
PLAIN_KEYS = frozenset(
    {
        *("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "run_id", "params", "try_number"),
        *(
            "logical_date",
            "data_interval_start",
            "data_interval_end",
            "task_instance_key_str",
            "templates_dict",
        ),
    }
)


class CallsElsewhere(FunctionOperator):
    """Calls a function in a Python that a subclass finds or makes.

    Args:
        task_id: See `BaseOperator`.
        called: The function.
        serializer: What writes the arguments: "pickle", "cloudpickle" or "dill".
        string_args: Texts that the function finds in the global name `virtualenv_string_args`.
        env_vars: Environment variables for it, added to those of the task unless `inherit_env` is False.
        skip_on_exit_code: Exit statuses that skip the task.
        expect_airflow: Taken for the sake of Dag files that were written for Airflow, and without effect.
        arguments: See `FunctionOperator`.

    Raises:
        DagError: the function is a coroutine function, has no text, or wants of the context what another
            Python cannot understand.
    """

    template_fields: Sequence[str] = (*FunctionOperator.template_fields, "string_args", "env_vars")

    def __init__(
        self,
        task_id: str,
        *,
        called: TaskCallable,
        serializer: str = "pickle",
        string_args: Iterable[str] | None = None,
        env_vars: Mapping[str, str] | None = None,
        inherit_env: bool = True,
        skip_on_exit_code: int | Container[int] | None = None,
        expect_airflow: bool = True,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, called=called, **arguments)
        self.serializer, self.string_args = check_serializer(serializer), tuple(string_args or ())
        self.env_vars, self.inherit_env = env_vars, inherit_env
        self.skip_on_exit_code = (
            (skip_on_exit_code,) if isinstance(skip_on_exit_code, int) else skip_on_exit_code or ()
        )
        self._source = plain_source(called)
        if foreign := sorted(called.named(self._from_context) - PLAIN_KEYS):
            raise DagError(
                f"task {self.task_id!r} wants {', '.join(foreign)} of the context, which another Python"
                f" does not know; take of these: {', '.join(sorted(PLAIN_KEYS))}"
            )
        self._steps_call = StepsCall(log.info)

    @property
    def is_async(self) -> bool:
        # Its function is none of this process.
        return super(FunctionOperator, self).is_async

    def execute(self, context: Context) -> Any:
        """Call the function, and return what it returned.

        Raises:
            DagError: there is no such Python, or an argument cannot be pickled.
            TaskSkipped, AirflowException: it ended with an exit status that says so.
        """
        with temporary_folder() as folder:
            return self._steps_call.run(self._steps(context, folder))

    async def aexecute(self, context: Context) -> Any:
        async with atemporary_folder() as folder:
            return await StepsCall(log.info).arun(self._steps(context, folder))

    def on_kill(self) -> None:
        self._steps_call.kill()

    def for_one_try(self, lookup: Lookup) -> Self:
        # Each try has a process of its own to end.
        copied = BaseOperator.for_one_try(self, lookup)
        copied._steps_call = StepsCall(log.info)
        return copied

    def _steps(self, context: Context, folder: Path) -> Steps[Any]:
        raise NotImplementedError

    def _called_by(self, python: str, context: Context, folder: Path) -> Steps[Any]:
        """Let a Python call the function; what that returned."""
        call = ExternalCall(
            source=self._source,
            name=self.called.name,
            serializer=self.serializer,
            texts=tuple(map(str, self.string_args)),
        )
        given = {key: value for key, value in self._kwargs(context).items() if self._is_given(key)}
        argv = [python, *call.write(folder, self.op_args, given)]
        try:
            finished = yield self._command(argv)
        except OSError as error:
            raise DagError(
                f"task {self.task_id!r} cannot start {python!r}: {error}; name a Python that is there"
            ) from error
        self._take(finished)
        return call.result(folder)

    def _command(self, argv: Sequence[str]) -> Command:
        env = {**(os.environ if self.inherit_env else {}), **(self.env_vars or {})}
        return Command(argv, env, cwd=os.getcwd())

    def _is_given(self, key: str) -> bool:
        return key in self.op_kwargs or key in PLAIN_KEYS

    def _take(self, finished: Finished | None) -> None:
        status = 0 if finished is None else finished.exit_status
        if status in self.skip_on_exit_code:
            raise TaskSkipped(f"the function ended with exit status {status}, which skips the task")
        if status != 0:
            raise AirflowException(f"the function failed with exit status {status}; the log says why")


class ExternalFunctionOperator(CallsElsewhere):
    """Calls a function in a Python that is there.

    Args:
        task_id: See `BaseOperator`.
        python: The path of that Python, which has to be there when the task runs; a template.
        arguments: See `CallsElsewhere`.

    Raises:
        DagError: see `CallsElsewhere`.
    """

    operator_name = "@task.external_python"
    template_fields: Sequence[str] = (*CallsElsewhere.template_fields, "python")

    def __init__(self, task_id: str, *, python: str, **arguments: Any) -> None:
        super().__init__(task_id, **arguments)
        self.python = python

    def _steps(self, context: Context, folder: Path) -> Steps[Any]:
        return self._called_by(self.python, context, folder)
