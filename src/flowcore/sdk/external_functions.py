"""What `@task.external_python` makes of a function: it is called by another Python, with packages of its own.

That Python knows neither flowcore nor the Dag file: it is given the function's text, so the function imports
what it needs itself. Arguments are pickled; what it returns comes back as JSON, as XComs are.
"""

from __future__ import annotations

import ast
import inspect
import json
import logging
import os
import pickle
import signal
import subprocess
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from flowcore.errors import DagError
from flowcore.sdk.exceptions import AirflowException, TaskSkipped
from flowcore.sdk.functions import FunctionOperator
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
#: A protocol that every Python reads that is still in use.
_PICKLE = 4

_SCRIPT = """\
{source}

import json as _json, pickle as _pickle, sys as _sys

with open(_sys.argv[1], "rb") as _file:
    _args, _kwargs = _pickle.load(_file)
_result = {name}(*_args, **_kwargs)
with open(_sys.argv[2], "w", encoding="utf-8") as _file:
    _json.dump(_result, _file)
"""


class ExternalFunctionOperator(FunctionOperator):
    """Calls a function in another Python.

    Args:
        task_id: See `BaseOperator`.
        python: The path of that Python, which has to be there when the task runs; a template.
        called: The function.
        env_vars: Environment variables for it, added to those of the task unless `inherit_env` is False.
        skip_on_exit_code: Exit statuses that skip the task.
        expect_airflow: Taken for the sake of Dag files that were written for Airflow, and without effect.
        arguments: See `FunctionOperator`.

    Raises:
        DagError: the function is a coroutine function, has no text, or wants of the context what another
            Python cannot understand.
    """

    operator_name = "@task.external_python"
    template_fields: Sequence[str] = (*FunctionOperator.template_fields, "python", "env_vars")

    def __init__(
        self,
        task_id: str,
        *,
        python: str,
        called: TaskCallable,
        env_vars: Mapping[str, str] | None = None,
        inherit_env: bool = True,
        skip_on_exit_code: int | Container[int] | None = None,
        expect_airflow: bool = True,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, called=called, **arguments)
        self.python, self.env_vars, self.inherit_env = python, env_vars, inherit_env
        self.skip_on_exit_code = (
            (skip_on_exit_code,) if isinstance(skip_on_exit_code, int) else skip_on_exit_code or ()
        )
        self._source = plain_source(called)
        if foreign := sorted(called.named(self._from_context) - PLAIN_KEYS):
            raise DagError(
                f"task {self.task_id!r} wants {', '.join(foreign)} of the context, which another Python"
                f" does not know; take of these: {', '.join(sorted(PLAIN_KEYS))}"
            )
        self._pid: int | None = None

    def execute(self, context: Context) -> Any:
        """Call the function, and return what it returned.

        Raises:
            DagError: there is no such Python, or an argument cannot be pickled.
            TaskSkipped, AirflowException: it ended with an exit status that says so.
        """
        given = {key: _plain(value) for key, value in self._kwargs(context).items() if self._is_given(key)}
        with TemporaryDirectory(prefix="flowcore-") as folder:
            script, call, result = (Path(folder, name) for name in ("script.py", "call", "result"))
            script.write_text(_SCRIPT.format(source=self._source, name=self.called.name), encoding="utf-8")
            call.write_bytes(self._pickled(given))
            self._take(self._run([self.python, str(script), str(call), str(result)]))
            return json.loads(result.read_text(encoding="utf-8"))

    def on_kill(self) -> None:
        if self._pid is not None:
            _kill(self._pid)

    def _is_given(self, key: str) -> bool:
        return key in self.op_kwargs or key in PLAIN_KEYS

    def _pickled(self, kwargs: Mapping[str, Any]) -> bytes:
        try:
            return pickle.dumps((self.op_args, dict(kwargs)), protocol=_PICKLE)
        except Exception as error:
            raise DagError(
                f"the arguments of task {self.task_id!r} cannot be pickled: {error}; give texts, numbers,"
                " lists and dicts"
            ) from error

    def _run(self, command: list[str]) -> int:
        """Run the command to its end, log what it prints, and leave nothing of it running."""
        env = {**(os.environ if self.inherit_env else {}), **(self.env_vars or {})}
        try:
            process = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise DagError(
                f"task {self.task_id!r} cannot start {self.python!r}: {error}; name a Python that is there"
            ) from error
        self._pid = process.pid
        with process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    log.info("%s", line.rstrip("\r\n"))
                return process.wait()
            finally:
                _kill(process.pid)
                self._pid = None

    def _take(self, status: int) -> None:
        if status in self.skip_on_exit_code:
            raise TaskSkipped(f"the function ended with exit status {status}, which skips the task")
        if status != 0:
            raise AirflowException(f"the function failed with exit status {status}; the log says why")


def plain_source(called: TaskCallable) -> str:
    """The text of a function, without its decorators.

    Raises:
        DagError: it has none, or is a coroutine function.
    """
    function: Callable[..., Any] = called.function
    if called.is_async:
        raise DagError(f"{called.name!r} is a coroutine function; another Python calls functions only")
    try:
        [definition] = ast.parse(dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError) as error:
        raise DagError(
            f"the text of {called.name!r} is not to be had: {error}; write it with `def`"
        ) from None
    if not isinstance(definition, ast.FunctionDef):
        raise DagError(f"{called.name!r} is no function of its own; write it with `def`")
    definition.decorator_list = []
    return ast.unparse(definition)


def _plain(value: Any) -> Any:
    """A value as every Python has it: the times of some libraries are classes of their own."""
    if isinstance(value, datetime):
        return datetime.fromisoformat(value.isoformat())
    return dict(value) if isinstance(value, Mapping) else value


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
