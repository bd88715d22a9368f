"""`BashOperator`: a shell command as a task."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from flowcore.sdk.subprocesses.bash_tasks import BashTask


class BashOperator(BashTask):
    """Runs a command in bash; its output is logged, and its last line returned.

    Args:
        task_id: See `BaseOperator`.
        bash_command: The command, or a template file that ends in `.sh` or `.bash`.
        arguments: See `BashTask` and `BaseOperator`.
    """

    template_fields = ("bash_command", *BashTask.template_fields)
    template_fields_renderers = MappingProxyType({"bash_command": "bash", "env": "json"})

    def __init__(self, task_id: str, *, bash_command: str, **arguments: Any) -> None:
        super().__init__(task_id, **arguments)
        self.bash_command = bash_command
