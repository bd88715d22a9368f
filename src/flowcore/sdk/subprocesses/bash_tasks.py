"""`BashTask`: what `BashOperator` and `@task.bash` have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from flowcore.sdk.context import Context
from flowcore.sdk.exceptions import AirflowException, TaskSkipped
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.subprocesses.commands import Command, CommandCall, Finished
from flowcore.sdk.subprocesses.shell import bash_argv, command_environment

log = logging.getLogger(__name__)


class BashTask(BaseOperator):
    """Runs `bash_command` in bash; its output is logged, and its last line returned.

    Args:
        task_id: See `BaseOperator`.
        env: Environment variables; without `append_env` these are all that the command gets, besides
            those that say which try it is (`AIRFLOW_CTX_DAG_ID`, ...).
        append_env: Add `env` to the environment of the task, in place of replacing it.
        output_encoding: How the output is decoded; what cannot be is replaced.
        skip_on_exit_code: Exit statuses that skip the task; by default 99.
        cwd: The folder to run in; by default an empty one that is deleted afterwards.
        output_processor: Makes the returned value of the last line.
        arguments: See `BaseOperator`.
    """

    #: The command; subclasses set it.
    bash_command: str = ""

    template_fields: Sequence[str] = ("env", "cwd")
    template_ext: Sequence[str] = (".sh", ".bash")
    template_fields_renderers: Mapping[str, str] = MappingProxyType({"env": "json"})

    def __init__(
        self,
        task_id: str,
        *,
        env: Mapping[str, str] | None = None,
        append_env: bool = False,
        output_encoding: str = "utf-8",
        skip_on_exit_code: int | Container[int] | None = 99,
        cwd: str | None = None,
        output_processor: Callable[[str], Any] = lambda line: line,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        self.env, self.append_env, self.cwd = env, append_env, cwd
        self.output_encoding, self.output_processor = output_encoding, output_processor
        self.skip_on_exit_code = skip_on_exit_code
        self._call: CommandCall | None = None

    def execute(self, context: Context) -> Any:
        """Run the command, blocking; for subclasses that are functions."""
        self._call = CommandCall(self._command(context), log.info)
        return self._outcome(self._call.run())

    async def aexecute(self, context: Context) -> Any:
        return self._outcome(await CommandCall(self._command(context), log.info).arun())

    def on_kill(self) -> None:
        if self._call is not None:
            self._call.kill()

    def _command(self, context: Context) -> Command:
        env = command_environment(self, context, self.env, append=self.append_env)
        return Command(bash_argv(self.bash_command), env, self.cwd, self.output_encoding)

    def _outcome(self, finished: Finished) -> Any:
        status = finished.exit_status
        if is_among(status, self.skip_on_exit_code):
            raise TaskSkipped(f"the command ended with exit status {status}, which skips the task")
        if status != 0:
            raise AirflowException(f"the command failed with exit status {status}; its output says why")
        return self.output_processor(finished.last_line)


def is_among(status: int, statuses: int | Container[int] | None) -> bool:
    """Whether an exit status is the one, or one of those, that were given."""
    if statuses is None:
        return False
    return status == statuses if isinstance(statuses, int) else status in statuses
