"""Every error that flowcore raises on purpose.

The class says whose fault it is:

FlowcoreError
├── DagError              the author of a Dag file
│   ├── DuplicateTaskId
│   └── DagCycle
├── UsageError            the caller: an unknown Dag, conf that breaks the schema
│   ├── DagNotFound, DagRunNotFound, TaskNotFound   (also LookupError)
│   ├── DagInactive
│   ├── BackfillNotFound, PoolNotFound              (also LookupError)
│   ├── ConnectionNotFound, VariableNotFound        (also LookupError)
│   ├── ParamError, ConnectionInvalid, VariableInvalid   (also ValueError)
│   └── MessageTooLarge   a task leaves or asks for more than fits between processes
├── SettingsError         the operator: a setting or database URL that cannot be used
│   ├── DatabaseOutOfDate
│   └── DatabaseInUse
├── DataRefused           the author of a task: what it left cannot be stored
├── DatabaseUnavailable   the world: no connection could be had
│   └── CommitUnknown     … or it was lost while committing and nobody can say what became of it
├── SecretsError          a secrets backend gave no answer to a lookup; names backend and key, never the value
│   ├── SecretsUnavailable    the world: it did not answer in time, limits its callers, is cut off
│   ├── SecretsDenied         the operator: it refuses our credentials
│   └── SecretsGarbled        whoever wrote the secret, or runs the backend: the answer cannot be read
├── ProtocolError         the process at the other end of a socket: it broke the rules
├── PeerGone              the world: the process at the other end of a socket is gone
├── XComUnavailable       the world: the storage for large XComs failed
└── InvariantBroken       us

Each message ends with the remedy.
"""

from __future__ import annotations

from collections.abc import Iterable


class FlowcoreError(Exception):
    """Root of the tree above; never raised itself."""


class DagError(FlowcoreError):
    """A Dag file or a Dag cannot be used as written; its author can mend it."""


class DuplicateTaskId(DagError):
    """Two tasks of one Dag have the same id."""

    def __init__(self, dag_id: str, task_id: str) -> None:
        super().__init__(f"Dag {dag_id!r} has two tasks called {task_id!r}; give one of them another task_id")
        self.dag_id, self.task_id = dag_id, task_id


class DagCycle(DagError):
    """Tasks of a Dag wait for each other in a circle."""

    def __init__(self, dag_id: str, cycle: tuple[str, ...]) -> None:
        path = " → ".join((*cycle, cycle[0]))
        super().__init__(f"Dag {dag_id!r} has a cycle: {path}; remove one of these dependencies")
        self.dag_id, self.cycle = dag_id, cycle


class UsageError(FlowcoreError):
    """A caller asked for something that does not exist or is not allowed."""


class DagNotFound(UsageError, LookupError):
    """No Dag of that id is known to the database or the Dag folder."""

    def __init__(self, dag_id: str, known: tuple[str, ...] = ()) -> None:
        listed = f"known: {', '.join(sorted(known))}" if known else "no Dag is registered yet"
        super().__init__(f"there is no Dag {dag_id!r}; {listed}")
        self.dag_id, self.known = dag_id, known


class DagInactive(UsageError):
    """The Dag is known, but no file makes it any more."""

    def __init__(self, dag_id: str, fileloc: str | None) -> None:
        where = fileloc or "its file"
        super().__init__(
            f"the Dag {dag_id!r} is inactive: {where} is gone or makes it no longer; put it back, and it can "
            "run again as soon as the file has been read"
        )
        self.dag_id, self.fileloc = dag_id, fileloc


class DagRunNotFound(UsageError, LookupError):
    """No run of that id exists for the Dag."""

    def __init__(self, dag_id: str, run_id: str) -> None:
        super().__init__(f"Dag {dag_id!r} has no run {run_id!r}; see `flowcore dags list-runs {dag_id}`")
        self.dag_id, self.run_id = dag_id, run_id


class TaskNotFound(UsageError, LookupError):
    """No task of that id exists in the Dag."""

    def __init__(self, dag_id: str, task_id: str) -> None:
        super().__init__(f"Dag {dag_id!r} has no task {task_id!r}; see `flowcore tasks list {dag_id}`")
        self.dag_id, self.task_id = dag_id, task_id


class BackfillNotFound(UsageError, LookupError):
    """No backfill has that id."""

    def __init__(self, backfill_id: int) -> None:
        super().__init__(f"there is no backfill {backfill_id}; see `flowcore backfill list`")
        self.backfill_id = backfill_id


class PoolNotFound(UsageError, LookupError):
    """No pool has that name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no pool {name!r}; known: {', '.join(sorted(known))}")
        self.name = name


class ParamError(UsageError, ValueError):
    """A run's conf or params break the Dag's schema."""


class ConnectionInvalid(UsageError, ValueError):
    """A connection cannot be read from its text; the message never quotes the text."""


class VariableInvalid(UsageError, ValueError):
    """A variable is not the JSON that was asked for; the message never quotes it."""


class ConnectionNotFound(UsageError, LookupError):
    """No secrets backend, environment variable or row of the database has the connection."""

    def __init__(self, conn_id: str, searched: tuple[str, ...]) -> None:
        super().__init__(
            f"there is no connection {conn_id!r} in {', '.join(searched)}; "
            f"add it with `flowcore connections add {conn_id}`"
        )
        self.conn_id, self.searched = conn_id, searched


class VariableNotFound(UsageError, LookupError):
    """No secrets backend, environment variable or row of the database has the variable."""

    def __init__(self, key: str, searched: tuple[str, ...]) -> None:
        super().__init__(
            f"there is no variable {key!r} in {', '.join(searched)}; "
            f"set it with `flowcore variables set {key}`, or pass a default"
        )
        self.key, self.searched = key, searched


class SettingsError(FlowcoreError):
    """The operator's settings cannot be used."""


class DatabaseOutOfDate(SettingsError):
    """The schema in the database is not the one this version needs."""


class DatabaseInUse(SettingsError):
    """A second scheduler was started on a SQLite database, which can have one only."""


class DataRefused(FlowcoreError):
    """The database refused a value that a task had left; nothing was changed."""


class DatabaseUnavailable(FlowcoreError):
    """The database did not answer; nothing was changed."""


class CommitUnknown(DatabaseUnavailable):
    """The connection was lost during a commit and the outcome could not be found out in time."""


class SecretsError(FlowcoreError):
    """A secrets backend could not say whether it has a secret: an error, and no miss.

    Args:
        backend: The backend's name.
        key: The id of the connection or the key of the variable. Never the value.
        reason: What went wrong and what to do, without any secret.
    """

    def __init__(self, backend: str, key: str, reason: str) -> None:
        super().__init__(f"secrets backend {backend!r} cannot look up {key!r}: {reason}")
        self.backend, self.key, self.reason = backend, key, reason


class SecretsUnavailable(SecretsError):
    """The backend did not answer in time, limits its callers, or is cut off after many failures."""


class SecretsDenied(SecretsError):
    """The backend refuses the credentials that the operator gave."""


class SecretsGarbled(SecretsError):
    """The backend answered something that cannot be read as a secret."""


class MessageTooLarge(UsageError):
    """A message between a task and its supervisor is too large. Both are numbers of bytes."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"{size} bytes do not fit between a task and its supervisor, where {limit} do; keep large values"
            " outside with an XCom backend, and pass where they are"
        )
        self.size, self.limit = size, limit


class ProtocolError(FlowcoreError):
    """The process at the other end of a socket said something that the protocol does not allow.

    Args:
        wrong: What it did, as a sentence that begins with "it".
    """

    def __init__(self, wrong: str) -> None:
        super().__init__(
            f"the process at the other end of the socket broke the protocol: {wrong}. Nothing but flowcore"
            " may use that socket"
        )
        self.wrong = wrong


class PeerGone(FlowcoreError):
    """The process at the other end of a socket is gone; what was asked for may or may not be done."""

    def __init__(self, who: str = "process at the other end of the socket") -> None:
        super().__init__(f"the {who} is gone, and no answer will come; end")
        self.who = who


class XComUnavailable(FlowcoreError):
    """The storage for large XComs did not take one, or did not give it back."""


class InvariantBroken(FlowcoreError):
    """flowcore contradicted itself: please report it with the message."""
