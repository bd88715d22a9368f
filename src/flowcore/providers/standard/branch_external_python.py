"""`BranchExternalPythonOperator`, as before `@task.branch_external_python`."""

from __future__ import annotations

from flowcore.providers.standard.python import PythonOperator
from flowcore.sdk.decorators.deciding_external_functions import BranchExternalFunctionOperator


class BranchExternalPythonOperator(PythonOperator, BranchExternalFunctionOperator):
    """Its function chooses in another Python what runs after it."""

    operator_name = "BranchExternalPythonOperator"
