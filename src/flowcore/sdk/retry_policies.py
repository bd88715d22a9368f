"""`RetryPolicy`: looks at what went wrong, and says whether and when a task is tried again.

Names, arguments and meanings are Airflow's. A policy runs where the try ran, before its end is written; the
scheduler hears what it decided.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from flowcore.errors import DagError

if TYPE_CHECKING:
    from flowcore.sdk.context import Context

log = logging.getLogger(__name__)


class RetryAction(Enum):
    """What follows a failure."""

    RETRY = "retry"  # as long as the task's `retries` last
    FAIL = "fail"
    DEFAULT = "default"  # as if there were no policy


def _action(value: Any) -> RetryAction:
    try:
        return RetryAction(value)
    except ValueError:
        raise DagError(f"{value!r} is no action of a retry policy; use RETRY, FAIL or DEFAULT") from None


def _delay(value: Any) -> timedelta | None:
    delay = timedelta(seconds=value) if isinstance(value, int | float) else value
    if delay is None or (isinstance(delay, timedelta) and delay >= timedelta()):
        return delay
    raise DagError(f"retry_delay={value!r} is no delay; give a timedelta or a number of seconds, at least 0")


@attrs.frozen
class RetryDecision:
    """What a policy decides; `retry_delay` (a timedelta or seconds) replaces that of the task altogether.

    The reason is shown to people.

    Raises:
        DagError: The action or the delay is none.
    """

    action: RetryAction = attrs.field(default=RetryAction.DEFAULT, converter=_action)
    retry_delay: timedelta | None = attrs.field(default=None, converter=_delay)
    reason: str | None = None

    @classmethod
    def fail(cls, reason: str | None = None) -> RetryDecision:
        """Fail for good, whatever retries are left."""
        return cls(RetryAction.FAIL, reason=reason)

    @classmethod
    def retry(cls, delay: timedelta | None = None, reason: str | None = None) -> RetryDecision:
        """Try again, if the task has retries left."""
        return cls(RetryAction.RETRY, delay, reason)

    @classmethod
    def default(cls) -> RetryDecision:
        """Do as the task says."""
        return cls()


class RetryPolicy(ABC):
    """Decides what follows a failure; given to a task as `retry_policy`."""

    @abstractmethod
    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> Any:
        """The `RetryDecision` for a try that raised; it may be a coroutine function, too.

        It is not asked about `AirflowFailException` and `AirflowSensorTimeout`, which are final. What it
        raises is logged, and the task's own retries hold.

        Args:
            exception: What the try raised; a group, if it raised one.
            try_number: The number of the try, from 1.
            max_tries: How many retries the task instance has in all.
            context: The context of the try.
        """


ExceptionSpec: TypeAlias = "type[BaseException] | str"


def _specs(value: Any) -> tuple[ExceptionSpec, ...]:
    specs = tuple(value) if isinstance(value, list | tuple | set) else (value,)
    for spec in specs:
        is_path = isinstance(spec, str) and "." in spec and all(map(str.isidentifier, spec.split(".")))
        if not is_path and not (isinstance(spec, type) and issubclass(spec, BaseException)):
            raise DagError(
                f"{spec!r} is no exception for a RetryRule; give a class, or its path such as"
                " 'builtins.ValueError'"
            )
    return specs


@attrs.frozen
class RetryRule:
    """What follows an exception of these classes: a class, the dotted path of one, or a list of these.

    A path is imported when a try has failed, so that Dag files need not load the library. A group matches
    if it holds one that does. Without `match_subclasses` only the very classes count.

    Raises:
        DagError: An argument is not allowed.
    """

    exception: Sequence[ExceptionSpec] = attrs.field(converter=_specs)
    action: RetryAction = attrs.field(default=RetryAction.RETRY, converter=_action)
    retry_delay: timedelta | None = attrs.field(default=None, converter=_delay)
    reason: str | None = None
    match_subclasses: bool = True

    def matches(self, exception: BaseException) -> bool:
        """Whether the rule is about this exception."""
        classes = tuple(self._classes())
        return any(self._is_of(one, classes) for one in _held_by(exception))

    def _is_of(self, exception: BaseException, classes: tuple[type[BaseException], ...]) -> bool:
        return isinstance(exception, classes) if self.match_subclasses else type(exception) in classes

    def _classes(self) -> Iterator[type[BaseException]]:
        for spec in self.exception:
            if isinstance(spec, type):
                yield spec
            elif found := _imported(spec):
                yield found


class ExceptionRetryPolicy(RetryPolicy):
    """Asks its rules in their order; the first that matches decides, and `default` when none does."""

    def __init__(self, rules: Sequence[RetryRule], default: RetryAction | str = RetryAction.DEFAULT) -> None:
        self.rules = list(rules)
        self.default = _action(default)

    def __repr__(self) -> str:
        return f"ExceptionRetryPolicy({self.rules!r}, {self.default})"

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """What the first matching rule says."""
        for rule in self.rules:
            if rule.matches(exception):
                reason = rule.reason or f"a rule for {type(exception).__name__} matched"
                return RetryDecision(rule.action, rule.retry_delay, reason)
        return RetryDecision(self.default)


def _held_by(exception: BaseException) -> Iterator[BaseException]:
    yield exception
    if isinstance(exception, BaseExceptionGroup):
        for inner in exception.exceptions:
            yield from _held_by(inner)


def _imported(path: str) -> type[BaseException] | None:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    # Whatever an import raises: the other rules still count.
    except Exception as error:
        log.warning("the retry rule for %r matches nothing: %s: %s", path, type(error).__name__, error)
        return None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None
