"""`BranchPythonOperator`: a function that chooses what runs, in the spelling before `@task.branch`."""

from __future__ import annotations

from typing import Any

from flowcore.providers.standard.python import PythonOperator
from flowcore.sdk.branching import BranchesDownstream
from flowcore.sdk.context import Context


class BranchPythonOperator(PythonOperator, BranchesDownstream):
    """Its function returns the ids of the tasks and groups right after it that run."""

    operator_name = "BranchPythonOperator"

    def execute(self, context: Context) -> Any:
        return self.do_branch(context, super().execute(context))

    async def aexecute(self, context: Context) -> Any:
        return self.do_branch(context, await super().aexecute(context))
