"""`BranchPythonOperator`: a function that chooses what runs, in the spelling before `@task.branch`."""

from __future__ import annotations

from flowcore.providers.standard.python import PythonOperator
from flowcore.sdk.decorators.deciding_functions import BranchFunctionOperator


class BranchPythonOperator(PythonOperator, BranchFunctionOperator):
    """Its function returns the ids of the tasks and groups right after it that run."""

    operator_name = "BranchPythonOperator"
