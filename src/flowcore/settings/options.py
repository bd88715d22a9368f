"""Every option with its type, its default and its limits. Airflow's names where Airflow has them.

`docs/reference/settings.md` lists them for operators; a test compares the two.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum
from pathlib import Path

import attrs
from attrs.validators import and_, ge, lt

from flowcore.backends import Backend

_SECONDS = and_(ge(0.0), lt(math.inf))
# Shorter periods would keep a core busy with looking, and a lease must outlast its renewals.
_PERIOD = and_(ge(0.1), lt(math.inf))


def _is_pattern(_: object, __: object, value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from error


#: Options whose values are never shown.
SECRET_OPTIONS = frozenset({"fernet_key", "secrets_backend_kwargs", "xcom_backend_kwargs"})


class LogLevel(StrEnum):
    """The least severe messages that reach the log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class ExecutorName(StrEnum):
    """Where the tries of Dag files run."""

    LOCAL = "local"
    IN_PROCESS = "in-process"


class IgnoreSyntax(StrEnum):
    """How the lines of `.airflowignore` are read."""

    GLOB = "glob"
    REGEXP = "regexp"


@attrs.frozen(kw_only=True)
class Settings:
    """All options; made with defaults only, or by `load_settings` from the operator's sources.

    Raises:
        ValueError: a number is outside of its limits.
    """

    database_url: str = attrs.field(factory=lambda: f"sqlite:///{Path.cwd() / 'flowcore.db'}")
    """Where the state lives: a PostgreSQL or SQLite URL."""
    dags_folder: Path = attrs.field(factory=lambda: Path.cwd() / "dags")
    """The folder that is searched for Dag files."""
    plugins_folder: Path = attrs.field(factory=lambda: Path.cwd() / "plugins")
    """The folder with plug-ins that are not installed, written as for Airflow."""
    dag_processor: bool = True
    """Whether a scheduler reads the Dag files itself; false where `flowcore dag-processor` does."""
    dags_folder_poll_s: float = attrs.field(default=5.0, validator=_PERIOD)
    """Seconds after which the Dag folder is looked at although nobody announced a change."""
    dag_file_interval_s: float = attrs.field(default=300.0, validator=_PERIOD)
    """Seconds after which a Dag file is read again although nothing has changed."""
    dag_file_timeout_s: float = attrs.field(default=50.0, validator=_PERIOD)
    """Seconds that a Dag file may take to import."""
    parsing_processes: int = attrs.field(default=2, validator=ge(1))
    """How many Dag files are read at the same time, each in a process."""
    dag_discovery_safe_mode: bool = True
    """Whether files are passed over that do not contain both `dag` and `flowcore` or `airflow`."""
    dag_ignore_file_syntax: IgnoreSyntax = IgnoreSyntax.GLOB
    """How `.airflowignore` is read: glob or regexp."""
    logs_folder: Path = attrs.field(factory=lambda: Path.cwd() / "logs")
    """The folder for what tries log and print, a file for each."""
    backend: Backend = Backend.ASYNCIO
    """The event loop: asyncio or trio."""
    grace_s: float = attrs.field(default=30.0, validator=_SECONDS)
    """Seconds that running tries have left to end when the process is told to stop."""
    executor: ExecutorName = ExecutorName.LOCAL
    """Where tries run: local (processes of their own) or in-process (the scheduler's)."""
    parallelism: int = attrs.field(default=32, validator=ge(1))
    """How many tries run at the same time that take a process or a thread each: those of `def` tasks."""
    async_parallelism: int = attrs.field(default=1000, validator=ge(1))
    """How many tries of `async def` tasks run at the same time, side by side on an event loop."""
    lease_s: float = attrs.field(default=15.0, validator=_PERIOD)
    """Seconds after which the tries of a process that died are recovered."""
    safety_poll_s: float = attrs.field(default=5.0, validator=_PERIOD)
    """Seconds after which a routine looks for work although nobody announced any."""
    default_pool_task_slot_count: int = attrs.field(default=128, validator=ge(-1))
    """Slots of `default_pool` when it is created; -1 means no limit."""
    dags_are_paused_at_creation: bool = False
    """Whether a Dag that does not say so itself is paused when it is first seen."""
    allowed_run_id_pattern: str = attrs.field(default="^[A-Za-z0-9_.~:+-]+$", validator=_is_pattern)
    """What the name that somebody chooses for a run has to match: a regular expression."""
    secrets_backend: str = ""
    """Where connections and variables are looked up first: a backend's name or the path of its class."""
    secrets_backend_kwargs: str = attrs.field(default="{}", repr=False)
    """What the secrets backend is made with, as a JSON object."""
    secrets_timeout_s: float = attrs.field(default=10.0, validator=_PERIOD)
    """Seconds that a secrets backend has for an answer."""
    secrets_calls: int = attrs.field(default=256, validator=ge(1))
    """How many lookups a secrets backend has to answer at the same time; others wait."""
    secrets_failures: int = attrs.field(default=5, validator=ge(1))
    """Failures in a row after which a secrets backend is left alone for a while."""
    secrets_pause_s: float = attrs.field(default=30.0, validator=_SECONDS)
    """Seconds for which a secrets backend that keeps failing is left alone."""
    secrets_ttl_s: float = attrs.field(default=60.0, validator=_SECONDS)
    """Seconds for which an answer of a secrets backend is remembered; a miss for at most 5."""
    fernet_key: str = attrs.field(default="", repr=False)
    """Keys that encrypt secrets in the database, separated by commas; the first one encrypts."""
    max_map_length: int = attrs.field(default=1024, validator=ge(1))
    """How many elements a task may return that others are mapped over; with more it fails."""
    max_templated_field_length: int = attrs.field(default=4096, validator=ge(0))
    """Characters that are kept of a rendered field, to be looked at later; the task has all of them."""
    xcom_backend: str = "database"
    """Where XComs are kept: database, objects, or the path of a class."""
    xcom_backend_kwargs: str = attrs.field(default="{}", repr=False)
    """What the XCom backend is made with, as a JSON object."""
    allowed_deserialization_classes: str = ""
    """Classes whose objects tasks hand on as XComs, as dotted names or patterns: shop.models.*."""
    max_xcom_bytes: int = attrs.field(default=10_000_000, validator=ge(1))
    """How much JSON of one XCom the database takes; larger ones fail their try."""
    task_state_retention_days: float = attrs.field(default=30.0, validator=_SECONDS)
    """Days after which what a task keeps in its state store expires, if it does not say when; 0: never."""
    log_level: LogLevel = LogLevel.INFO
    """The least severe messages to log: debug, info, warning or error."""
