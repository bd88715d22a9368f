"""Decorators beside `@task` that take arguments of their own: `@task.sensor`, `@task.external_python`, ..."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar, Unpack, cast, overload

from flowcore.sdk.decorators.function_decorators import FunctionDecorator
from flowcore.sdk.decorators.task_functions import FunctionTaskArguments, TaskFunction

P = ParamSpec("P")
R = TypeVar("R")


class _BashArguments(FunctionTaskArguments, total=False):
    env: Mapping[str, str] | None
    append_env: bool
    output_encoding: str
    skip_on_exit_code: int | Container[int] | None
    cwd: str | None
    output_processor: Callable[[str], Any]


class BashDecorator(FunctionDecorator):
    """`@task.bash`; its arguments are those of `BashTask`."""

    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskFunction[P, R]: ...

    @overload
    def __call__(
        self, /, **arguments: Unpack[_BashArguments]
    ) -> Callable[[Callable[P, R]], TaskFunction[P, R]]: ...

    def __call__(self, function: Callable[..., Any] | None = None, /, **arguments: Any) -> Any:
        """See `FunctionDecorator`."""
        return super().__call__(function, **arguments) if function else super().__call__(**arguments)


class _ElsewhereArguments(FunctionTaskArguments, total=False):
    serializer: str
    string_args: Iterable[str] | None
    env_vars: Mapping[str, str] | None
    inherit_env: bool
    skip_on_exit_code: int | Container[int] | None
    expect_airflow: bool


class _ExternalArguments(_ElsewhereArguments, total=False):
    python: str


class ExternalPythonDecorator(FunctionDecorator):
    """`@task.external_python(python=...)`; its arguments are those of `ExternalFunctionOperator`."""

    def __call__(  # type: ignore[override]
        self, /, **arguments: Unpack[_ExternalArguments]
    ) -> Callable[[Callable[P, R]], TaskFunction[P, R]]:
        """See `FunctionDecorator`; `python` has to be given."""
        return super().__call__(**cast("FunctionTaskArguments", arguments))


class _VirtualenvArguments(_ElsewhereArguments, total=False):
    requirements: Iterable[str] | str | None
    python_version: str | None
    system_site_packages: bool
    pip_install_options: Iterable[str] | None
    index_urls: Iterable[str] | str | None
    venv_cache_path: str | None


class VirtualenvDecorator(FunctionDecorator):
    """`@task.virtualenv`; its arguments are those of `VirtualenvFunctionOperator`."""

    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskFunction[P, R]: ...

    @overload
    def __call__(
        self, /, **arguments: Unpack[_VirtualenvArguments]
    ) -> Callable[[Callable[P, R]], TaskFunction[P, R]]: ...

    def __call__(self, function: Callable[..., Any] | None = None, /, **arguments: Any) -> Any:
        """See `FunctionDecorator`."""
        return super().__call__(function, **arguments) if function else super().__call__(**arguments)


class _SensorArguments(FunctionTaskArguments, total=False):
    poke_interval: timedelta | float
    timeout: timedelta | float
    mode: str
    soft_fail: bool
    exponential_backoff: bool
    max_wait: timedelta | float | None
    silent_fail: bool
    never_fail: bool


class SensorDecorator(FunctionDecorator):
    """`@task.sensor`; its arguments are those of `BaseSensorOperator`."""

    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskFunction[P, R]: ...

    @overload
    def __call__(
        self, /, **arguments: Unpack[_SensorArguments]
    ) -> Callable[[Callable[P, R]], TaskFunction[P, R]]: ...

    def __call__(self, function: Callable[..., Any] | None = None, /, **arguments: Any) -> Any:
        """See `FunctionDecorator`."""
        return super().__call__(function, **arguments) if function else super().__call__(**arguments)


class _ShortCircuitArguments(FunctionTaskArguments, total=False):
    ignore_downstream_trigger_rules: bool


class ShortCircuitDecorator(FunctionDecorator):
    """`@task.short_circuit`.

    With `ignore_downstream_trigger_rules=False` only the tasks right after it are skipped, and those further
    down follow their trigger rules.
    """

    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskFunction[P, R]: ...

    @overload
    def __call__(
        self, /, **arguments: Unpack[_ShortCircuitArguments]
    ) -> Callable[[Callable[P, R]], TaskFunction[P, R]]: ...

    def __call__(self, function: Callable[..., Any] | None = None, /, **arguments: Any) -> Any:
        """See `FunctionDecorator`."""
        return super().__call__(function, **arguments) if function else super().__call__(**arguments)
