"""Questions: each thing that the SDK asks the supervisor is written once, and used in both colours.

A question is a generator that yields requests, is sent their answers, and returns the result:

    def _get(key: str) -> Question[str]:
        found = yield from ask(GetVariable(key))
        return found.value

    get = blocking(_get, face="Variable.get")    # for functions
    aget = awaiting(_get)                        # for coroutines

Both send the same requests in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

import attrs

from flowcore.errors import UsageError
from flowcore.sdk.comms.environment import EnvironmentComms
from flowcore.sdk.comms.messages import Answer, Notice, Request

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A", bound=Answer)
S = TypeVar("S", bound="Asking")

#: What a question consists of.
Step: TypeAlias = "Request[Answer] | Call"
Question = Generator[Step, Any, T]


class Comms(Protocol):
    """Takes a task's requests to its supervisor and brings the answers."""

    def send(self, request: Request[A]) -> A:
        """Ask, and wait for the answer.

        Raises:
            FlowcoreError: the request failed; the class says why.
            PeerGone: there is no supervisor any more.
            BlocksLoop: it was called on an event loop that must not be blocked.
        """
        ...

    async def asend(self, request: Request[A]) -> A:
        """The same for coroutines. When cancelled, the answer is dropped."""
        ...

    def post(self, notice: Notice) -> None:
        """Say something that is not answered; waits only while the supervisor is far behind."""
        ...


class BlocksLoop(UsageError):
    """A blocking call was made on the event loop of an embedder."""


_current: ContextVar[Comms | None] = ContextVar("flowcore_comms", default=None)
_of_the_process: list[Comms] = []
_NOWHERE = EnvironmentComms()


def comms() -> Comms:
    """What the code that runs now asks.

    Its try's; in a thread that the author has started, whose try is unknown, the process's; else one
    that knows the environment only.
    """
    current = _current.get()
    if current is not None:
        return current
    return _of_the_process[0] if len(_of_the_process) == 1 else _NOWHERE


@contextmanager
def current_comms(comms: Comms) -> Iterator[None]:
    """Make `comms` the one of the code in this block; for the runner only."""
    token = _current.set(comms)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def process_comms(comms: Comms) -> Iterator[None]:
    """Make `comms` the one of threads that belong to no try, as long as there are no others."""
    _of_the_process.append(comms)
    try:
        yield
    finally:
        _of_the_process.remove(comms)


@attrs.frozen
class Call:
    """A step that asks nobody, but may wait: functions make it at once, coroutines in a worker thread."""

    function: Callable[[], Any]

    async def in_thread(self) -> Any:
        # Imported here because who has no event loop needs no AnyIO.
        from anyio.to_thread import current_default_thread_limiter

        from flowcore.concurrency.thread_calls import ThreadCall

        return await ThreadCall(self.function).run(limiter=current_default_thread_limiter())


def ask(request: Request[A]) -> Generator[Step, Any, A]:
    """Put one request inside of a question, and return its answer."""
    answer: A = yield request
    return answer


def call(function: Callable[[], T]) -> Generator[Step, Any, T]:
    """Make a call that may wait inside of a question, and return its result."""
    result: T = yield Call(function)
    return result


def blocking(definition: Callable[P, Question[T]], *, face: str) -> Callable[P, T]:
    """The function that asks; `face` is what authors call it, such as `Variable.get`."""

    @wraps(definition)
    def asks(*args: P.args, **kwargs: P.kwargs) -> T:
        with called_as(face):
            return answered(definition(*args, **kwargs), comms())

    return asks


def awaiting(definition: Callable[P, Question[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The coroutine function that asks."""

    @wraps(definition)
    async def asks(*args: P.args, **kwargs: P.kwargs) -> T:
        return await aanswered(definition(*args, **kwargs), comms())

    return asks


class Asking(Protocol):
    """Has a comms of its own, so that it works in threads which the author has started."""

    @property
    def comms(self) -> Comms: ...


def blocking_method(
    definition: Callable[Concatenate[S, P], Question[T]], *, face: str
) -> Callable[Concatenate[S, P], T]:
    """The same as `blocking` for a method of an object that has a comms of its own."""

    @wraps(definition)
    def asks(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with called_as(face):
            return answered(definition(self, *args, **kwargs), self.comms)

    return asks


def awaiting_method(
    definition: Callable[Concatenate[S, P], Question[T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """The same as `awaiting` for such a method."""

    @wraps(definition)
    async def asks(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await aanswered(definition(self, *args, **kwargs), self.comms)

    return asks


@contextmanager
def called_as(face: str) -> Iterator[None]:
    """Turn `BlocksLoop` into an error that names what the author called, and its asynchronous twin."""
    try:
        yield
    except BlocksLoop:
        owner, _, name = face.rpartition(".")
        raise UsageError(
            f"{face}() was called on the event loop, which would block it; use `await {owner}.a{name}(...)`"
            " in coroutines"
        ) from None


def answered(question: Question[T], comms: Comms) -> T:
    """Carry a question out with blocking calls."""
    try:
        step = next(question)
        while True:
            try:
                answer = step.function() if isinstance(step, Call) else comms.send(step)
            except BaseException as error:
                step = question.throw(error)
            else:
                step = question.send(answer)
    except StopIteration as over:
        result: T = over.value
        return result


async def aanswered(question: Question[T], comms: Comms) -> T:
    """The same as `answered` for coroutines."""
    try:
        step = next(question)
        while True:
            try:
                answer = await (step.in_thread() if isinstance(step, Call) else comms.asend(step))
            except BaseException as error:
                step = question.throw(error)
            else:
                step = question.send(answer)
    except StopIteration as over:
        result: T = over.value
        return result
