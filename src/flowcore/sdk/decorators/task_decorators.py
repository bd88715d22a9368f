"""`@task`: functions as tasks, and the decorators that are derived from it."""

from __future__ import annotations

from flowcore.sdk.decorators.derived_decorators import (
    BashDecorator,
    ExternalPythonDecorator,
    SensorDecorator,
    ShortCircuitDecorator,
    VirtualenvDecorator,
)
from flowcore.sdk.decorators.function_decorators import FunctionDecorator
from flowcore.sdk.functions import FunctionOperator


class TaskDecorator(FunctionDecorator):
    """`@task`. What it derives is imported when a Dag file uses it."""

    @property
    def branch(self) -> FunctionDecorator:
        """Make a branch: the function returns the ids of the tasks and groups right after it that run."""
        from flowcore.sdk.decorators.deciding_functions import BranchFunctionOperator

        return FunctionDecorator("@task.branch", BranchFunctionOperator)

    @property
    def short_circuit(self) -> ShortCircuitDecorator:
        """Make a short circuit: unless the function returns something true, all that follows is skipped."""
        from flowcore.sdk.decorators.deciding_functions import ShortCircuitFunctionOperator

        return ShortCircuitDecorator("@task.short_circuit", ShortCircuitFunctionOperator)

    @property
    def bash(self) -> BashDecorator:
        """Run the command that the function returns in bash; the last line of its output is the result."""
        from flowcore.sdk.decorators.bash_functions import BashFunctionOperator

        return BashDecorator("@task.bash", BashFunctionOperator)

    @property
    def external_python(self) -> ExternalPythonDecorator:
        """Call the function in another Python, which is at the path `python`."""
        from flowcore.sdk.decorators.external_functions import ExternalFunctionOperator

        return ExternalPythonDecorator("@task.external_python", ExternalFunctionOperator)

    @property
    def virtualenv(self) -> VirtualenvDecorator:
        """Call the function in a virtual environment that is made for it."""
        from flowcore.sdk.decorators.virtualenv_functions import VirtualenvFunctionOperator

        return VirtualenvDecorator("@task.virtualenv", VirtualenvFunctionOperator)

    @property
    def branch_external_python(self) -> ExternalPythonDecorator:
        """Make a branch that chooses in another Python."""
        from flowcore.sdk.decorators.deciding_external_functions import BranchExternalFunctionOperator

        return ExternalPythonDecorator("@task.branch_external_python", BranchExternalFunctionOperator)

    @property
    def branch_virtualenv(self) -> VirtualenvDecorator:
        """Make a branch that chooses in a virtual environment."""
        from flowcore.sdk.decorators.deciding_external_functions import BranchVirtualenvFunctionOperator

        return VirtualenvDecorator("@task.branch_virtualenv", BranchVirtualenvFunctionOperator)

    @property
    def sensor(self) -> SensorDecorator:
        """Make a sensor: the function is called again and again until it returns something true."""
        from flowcore.sdk.decorators.sensor_functions import SensorFunctionOperator

        return SensorDecorator("@task.sensor", SensorFunctionOperator)


task = TaskDecorator("@task", FunctionOperator)
