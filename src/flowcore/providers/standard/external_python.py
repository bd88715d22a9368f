"""`ExternalPythonOperator`: a function in another Python, in the spelling before `@task.external_python`."""

from __future__ import annotations

from flowcore.providers.standard.python import PythonOperator
from flowcore.sdk.decorators.external_functions import ExternalFunctionOperator


class ExternalPythonOperator(PythonOperator, ExternalFunctionOperator):
    """Calls its function in another Python; see `ExternalFunctionOperator`."""

    operator_name = "ExternalPythonOperator"
