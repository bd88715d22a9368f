"""`BashSensor`: waits until a shell command succeeds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flowcore.sdk.context import Context
from flowcore.sdk.exceptions import AirflowException
from flowcore.sdk.sensors import BaseSensorOperator
from flowcore.sdk.subprocesses.commands import Command, CommandCall, Finished
from flowcore.sdk.subprocesses.shell import bash_argv, command_environment

log = logging.getLogger(__name__)


class BashSensor(BaseSensorOperator):
    """Waits until `bash_command` ends with exit status 0.

    With a `retry_exit_code` only that status means "not yet", and every other one fails the task.
    """

    template_fields = ("bash_command", "env")

    def __init__(
        self,
        task_id: str,
        *,
        bash_command: str,
        env: Mapping[str, str] | None = None,
        output_encoding: str = "utf-8",
        retry_exit_code: int | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        self.bash_command, self.env, self.output_encoding = bash_command, env, output_encoding
        self.retry_exit_code = retry_exit_code

    def poke(self, context: Context) -> bool:
        return self._found(CommandCall(self._command(context), log.info).run())

    async def apoke(self, context: Context) -> bool:
        return self._found(await CommandCall(self._command(context), log.info).arun())

    def _command(self, context: Context) -> Command:
        env = command_environment(self, context, self.env)
        return Command(bash_argv(self.bash_command), env, encoding=self.output_encoding)

    def _found(self, finished: Finished) -> bool:
        status = finished.exit_status
        if status != 0 and self.retry_exit_code not in (None, status):
            raise AirflowException(
                f"the command failed with exit status {status}; only {self.retry_exit_code} means: not yet"
            )
        return status == 0
