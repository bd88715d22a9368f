"""`BranchPythonVirtualenvOperator`, as before `@task.branch_virtualenv`."""

from __future__ import annotations

from flowcore.providers.standard.python import PythonOperator
from flowcore.sdk.decorators.deciding_external_functions import BranchVirtualenvFunctionOperator


class BranchPythonVirtualenvOperator(PythonOperator, BranchVirtualenvFunctionOperator):
    """Its function chooses in a virtual environment what runs after it."""

    operator_name = "BranchPythonVirtualenvOperator"
