"""What `@task.branch_external_python` and `@task.branch_virtualenv` make of a function.

The function chooses in another Python what runs after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowcore.sdk.branching import BranchesDownstream
from flowcore.sdk.decorators.external_functions import CallsElsewhere, ExternalFunctionOperator
from flowcore.sdk.decorators.virtualenv_functions import VirtualenvFunctionOperator

if TYPE_CHECKING:
    from flowcore.sdk.context import Context


class _BranchesElsewhere(CallsElsewhere, BranchesDownstream):
    def execute(self, context: Context) -> Any:
        return self.do_branch(context, super().execute(context))

    async def aexecute(self, context: Context) -> Any:
        return self.do_branch(context, await super().aexecute(context))


class BranchExternalFunctionOperator(_BranchesElsewhere, ExternalFunctionOperator):
    """Its function returns, in a Python that is there, the ids of the tasks right after it that run."""

    operator_name = "@task.branch_external_python"


class BranchVirtualenvFunctionOperator(_BranchesElsewhere, VirtualenvFunctionOperator):
    """Its function returns, in an environment made for it, the ids of the tasks right after it that run."""

    operator_name = "@task.branch_virtualenv"
