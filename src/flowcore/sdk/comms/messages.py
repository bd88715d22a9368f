"""What a task's process and its supervisor say to each other: one frozen class for each message.

A Request is answered by exactly one Answer, an `ErrorAnswer` among them. A Notice goes to the
supervisor and an Order to the task's process; neither is answered. Fields are JSON values and records
of the domain, checked by their types when they arrive (`domain/records.py`). A new field needs a default
that means what its absence meant; any other change raises `envelopes.VERSION`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

import attrs

from flowcore.domain.assets import AssetUpdate
from flowcore.domain.connections import Connection
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.retries import NO_ADVICE, RetryAdvice
from flowcore.domain.workloads import NO_EFFECTS, TryEffects, TryOutcome, Workload
from flowcore.sdk.references import XComKey

A_co = TypeVar("A_co", bound="Answer", covariant=True)


class Message:
    """Base of all; subclasses are found by the name of their class."""

    #: Every message by its name.
    registry: ClassVar[dict[str, type[Message]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Message.registry[cls.__name__] = cls


class Answer(Message):
    """The supervisor answers a request."""


class Request(Message, Generic[A_co]):
    """A task's process asks; the parameter is the class of the answer."""


class Notice(Message):
    """A task's process says something, and waits for nothing."""


class Order(Message):
    """The supervisor says what to do."""


@attrs.frozen
class Done(Answer):
    """What was asked for is done."""


@attrs.frozen
class ErrorAnswer(Answer):
    """The request failed: the class of a `FlowcoreError`, its message, and its attributes."""

    kind: str
    message: str
    fields: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class ConnectionFound(Answer):
    """A connection."""

    connection: Connection


@attrs.frozen
class VariableFound(Answer):
    """The text of a variable."""

    value: str = attrs.field(repr=False)


@attrs.frozen
class VariableKeys(Answer):
    """Keys of variables, sorted."""

    keys: tuple[str, ...]


@attrs.frozen
class XComTexts(Answer):
    """For each key that was asked for, in that order: the JSON text that was pushed, or None."""

    texts: tuple[str | None, ...]


@attrs.frozen
class GetConnection(Request[ConnectionFound]):
    """Find a connection. Errors: ConnectionNotFound, SecretsError."""

    conn_id: str


@attrs.frozen
class GetVariable(Request[VariableFound]):
    """Find a variable. Errors: VariableNotFound, SecretsError."""

    key: str


@attrs.frozen
class SetVariable(Request[Done]):
    """Write a variable over what is there. Errors: SettingsError if it needs a key that is not set."""

    key: str
    value: str = attrs.field(repr=False)
    description: str | None = None


@attrs.frozen
class DeleteVariable(Request[Done]):
    """Delete a variable. Errors: VariableNotFound."""

    key: str


@attrs.frozen
class ListVariableKeys(Request[VariableKeys]):
    """List the keys that begin with `prefix`."""

    prefix: str = ""


@attrs.frozen
class PullXComs(Request[XComTexts]):
    """Read XComs of a run. Errors: DatabaseUnavailable."""

    dag_run_id: int
    keys: tuple[XComKey, ...]


@attrs.frozen
class DagSourceFound(Answer):
    """One version of a Dag file."""

    source: DagSource


@attrs.frozen
class GetDagSource(Request[DagSourceFound]):
    """Read the file that a Dag version is in. Errors: DagError, DatabaseUnavailable.

    A warm worker asks this for itself, and not for one of its tries.
    """

    dag_version_id: int


@attrs.frozen
class LogLines(Notice):
    """Lines for the log of the try, each the text of a JSON object."""

    lines: tuple[str, ...]


@attrs.frozen
class MaskSecrets(Notice):
    """Hide these wherever they show up from now on."""

    secrets: tuple[str, ...] = attrs.field(repr=False)


@attrs.frozen
class RenderedFields(Notice):
    """The task's templated fields as they were rendered, as JSON values by name."""

    fields: Mapping[str, Any]


@attrs.frozen
class InstanceNamed(Notice):
    """The name that `map_index_template` gave to an instance of a mapped task."""

    name: str


@attrs.frozen
class TryBegun(Notice):
    """The author's code begins now."""


@attrs.frozen
class CallbacksBegun(Notice):
    """The author's code is through; callbacks are called now, for at most so many seconds."""

    limit_s: float


@attrs.frozen
class CallbacksOver(Notice):
    """The callbacks of a Dag were called; `error` says what went wrong, if anything did."""

    error: str | None = None


@attrs.frozen
class TryOver(Notice):
    """The try is over, or goes on at `reschedule_at`; `xcoms` are JSON texts by key."""

    outcome: TryOutcome
    xcoms: Mapping[str, str] = attrs.field(factory=dict)
    error: str | None = None
    effects: TryEffects = NO_EFFECTS
    reschedule_at: datetime | None = None
    asset_updates: tuple[AssetUpdate, ...] = ()
    advice: RetryAdvice = NO_ADVICE


@attrs.frozen
class RunTry(Order):
    """Carry out a try, whose Dag is in the file and version that `source` says (`DagSource.key`)."""

    workload: Workload
    source: tuple[str, str]


@attrs.frozen
class CancelTry(Order):
    """End a try as failed."""

    reason: str


@attrs.frozen
class Ping(Order):
    """Answer with a `Pong`, from the event loop that the tries are on."""

    number: int


@attrs.frozen
class Pong(Notice):
    """The loop gets round. `memory` is the resident size of the process in bytes."""

    number: int
    memory: int
    tries: int


@attrs.frozen
class LoopBlocked(Notice):
    """A try (that of the envelope, if it could be told) has blocked the loop; `where` is its stack."""

    seconds: float
    where: str
