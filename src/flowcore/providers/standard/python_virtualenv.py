"""`PythonVirtualenvOperator`: a function in an environment made for it, as before `@task.virtualenv`."""

from __future__ import annotations

from flowcore.providers.standard.python import PythonOperator
from flowcore.sdk.decorators.virtualenv_functions import VirtualenvFunctionOperator


class PythonVirtualenvOperator(PythonOperator, VirtualenvFunctionOperator):
    """Calls its function in a virtual environment; see `VirtualenvFunctionOperator`."""

    operator_name = "PythonVirtualenvOperator"
