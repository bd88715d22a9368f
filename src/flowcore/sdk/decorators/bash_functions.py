"""What `@task.bash` makes of a function: it returns the command that bash then runs."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import anyio.to_thread

from flowcore.errors import DagError
from flowcore.sdk.functions import FunctionOperator
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.references import Lookup
from flowcore.sdk.subprocesses.bash_tasks import BashTask

if TYPE_CHECKING:
    from flowcore.sdk.context import Context


class BashFunctionOperator(FunctionOperator, BashTask):
    """Runs the command that its function returns; templates in it are rendered first."""

    operator_name = "@task.bash"
    template_fields: Sequence[str] = (*FunctionOperator.template_fields, *BashTask.template_fields)
    template_fields_renderers = MappingProxyType(
        {**FunctionOperator.template_fields_renderers, **BashTask.template_fields_renderers}
    )

    def execute(self, context: Context) -> Any:
        self.bash_command = self._rendered(FunctionOperator.execute(self, context), context)
        return BashTask.execute(self, context)

    async def aexecute(self, context: Context) -> Any:
        returned = await FunctionOperator.aexecute(self, context)
        # Templates may ask for variables and the like, which waits.
        self.bash_command = await anyio.to_thread.run_sync(self._rendered, returned, context)
        return await BashTask.aexecute(self, context)

    def for_one_try(self, lookup: Lookup) -> Self:
        # Each try has a command of its own.
        return BaseOperator.for_one_try(self, lookup)

    def _rendered(self, returned: Any, context: Context) -> str:
        if not isinstance(returned, str) or not returned.strip():
            raise DagError(f"the function of {self.task_id!r} returned {returned!r:.80}; return a command")
        command = str(self.render_template(returned, context))
        self.log.info("the command is: %s", command)
        return command
