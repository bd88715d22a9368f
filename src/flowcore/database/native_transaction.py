"""What a unit's transaction sends, and what travels together.

A round trip costs more than a statement, so nothing travels alone: BEGIN goes with the first
statement, the question for the transaction's id with the first write, the wake-ups with COMMIT, and a
statement whose answer nobody reads (`unanswered.py`) with whatever is sent next. A
transaction that only read does not wait for its COMMIT to be answered; the answer is read when the
connection is used next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from psycopg import errors, pq
from psycopg.abc import PQGen
from psycopg.generators import fetch_many, send

from flowcore.database.commits import CHANNEL, CommitLost, commit_shield, is_refusal
from flowcore.database.native_connection import LoopConnection
from flowcore.database.statistics import Counters

Answers = list[pq.abc.PGresult]
Command = Callable[[], None]

BEGIN_WRITE = b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
#: One state of the database for all statements of a unit that reads.
BEGIN_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
ASK_ID = b"SELECT pg_current_xact_id_if_assigned()::text"
NOTIFY = f"SELECT count(pg_notify('{CHANNEL}', note)) FROM unnest($1::text[]) note".encode()

_OK = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


class NativeConnection(LoopConnection):
    """A connection whose transactions are begun by `begin` and ended by `commit` or `rollback`.

    Outside of them each statement is a transaction of its own.
    """

    def __init__(self, pgconn: pq.abc.PGconn, *args: Any, **kwargs: Any) -> None:
        super().__init__(pgconn, *args, **kwargs)
        self._autocommit = True  # psycopg is not to begin transactions; we do
        self.counters = Counters()
        self.notes: list[str] = []
        """What COMMIT tells the listeners of other processes."""
        self.server_life = ""
        """What `ask_server_life` said when the connection was made."""
        self.begins_with_statement = False
        self._begin: bytes | None = None
        self._only_reads = False
        self._syncs_owed = 0
        self._transaction_id: str | None = None
        self._unanswered: list[Command] = []

    @property
    def may_leave_unanswered(self) -> bool:
        """Whether a statement may wait for the next one to take it along.

        Only once the transaction's id is known: were it the first write and travelled with COMMIT,
        nobody could find out what became of a commit whose answer is lost.
        """
        return self._transaction_id is not None

    def leave_unanswered(self, commands: Sequence[Command]) -> None:
        """Send these commands with the next exchange; if they fail, that fails."""
        self._unanswered += commands

    def begin(self, *, writes: bool) -> None:
        """Start a transaction together with the next statement."""
        self._begin = BEGIN_WRITE if writes else BEGIN_READ
        self._only_reads = not writes
        self._transaction_id = None
        self._unanswered = []
        self.notes = []

    def begin_now(self) -> None:
        """Send what waits for the next statement, ahead of one that cannot take it along."""
        with self.lock:
            self.wait(self._start_query())

    def commit(self) -> None:
        """Commit. It cannot be cancelled any more, and ends within a grace period.

        Raises:
            CommitLost: the answer did not come.
            psycopg.Error: the server refused, and rolled back.
        """
        if self._only_reads:
            super().commit()
            return
        scope = commit_shield()
        try:
            with scope:
                super().commit()
        except errors.Error as error:
            if is_refusal(error.sqlstate):
                raise
            raise CommitLost(self._transaction_id, self.server_life) from error
        if scope.cancelled_caught:
            raise CommitLost(self._transaction_id, self.server_life)

    def rollback(self) -> None:
        """Roll back, or close the connection when that does not work; it cannot be cancelled."""
        with commit_shield():
            super().rollback()

    @property
    def is_idle(self) -> bool:
        """Whether the next unit can have this connection."""
        if self.pgconn.status != pq.ConnStatus.OK:
            return False
        idle = self.pgconn.transaction_status == pq.TransactionStatus.IDLE
        return idle or self._syncs_owed > 0

    def exchange_statement(self, commands: Sequence[Command], query: bytes) -> PQGen[list[Answers]]:
        """Send a unit's statement with what must go before it and after it; its answers alone."""
        before = self._take_begin()
        after = self._ask_id_after(query)
        answers = yield from self._exchange([*before, *commands, *after])
        if before:
            check_answer(answers.pop(0))
        if after:
            self._learn_id(answers.pop())
        return answers

    def _exchange(self, commands: Sequence[Command]) -> PQGen[list[Answers]]:
        """Send commands in one go and wait once; the answers to each.

        An exception other than an answer means that the connection is lost.
        """
        pgconn = self.pgconn
        unanswered, self._unanswered = self._unanswered, []
        commands = [*unanswered, *commands]
        if not self._syncs_owed:
            pgconn.enter_pipeline_mode()
        for command in commands:
            command()
        pgconn.pipeline_sync()
        self.counters.round_trips += 1
        yield from send(pgconn)
        while self._syncs_owed:
            yield from self._fetch_until_sync()
            self._syncs_owed -= 1
        answers = yield from self._fetch_until_sync()
        pgconn.exit_pipeline_mode()
        for answer in answers[: len(unanswered)]:
            check_answer(answer)
        return answers[len(unanswered) :]

    def _fetch_until_sync(self) -> PQGen[list[Answers]]:
        answers: list[Answers] = []
        while answer := (yield from fetch_many(self.pgconn)):
            if answer[0].status == pq.ExecStatus.PIPELINE_SYNC:
                return answers
            answers.append(answer)
        self.pgconn.finish()
        raise errors.OperationalError("the server broke off in the middle of an exchange")

    def _start_query(self) -> PQGen[None]:
        # psycopg calls this before every kind of command: those that cannot carry BEGIN send it first.
        if self.begins_with_statement:
            return
        if before := self._take_begin():
            (answer,) = yield from self._exchange(before)
            check_answer(answer)
        elif self._syncs_owed or self._unanswered:
            yield from self._exchange([])

    def _take_begin(self) -> list[Command]:
        begin, self._begin = self._begin, None
        return [partial(self.pgconn.send_query_params, begin, None)] if begin else []

    def _ask_id_after(self, query: bytes) -> list[Command]:
        # A SELECT writes nothing that a second run of its unit could repeat.
        if self._only_reads or self._transaction_id or query[:6].upper() == b"SELECT":
            return []
        return [partial(self.pgconn.send_query_params, ASK_ID, None)]

    def _learn_id(self, answer: Answers) -> None:
        if answer[0].status == pq.ExecStatus.TUPLES_OK and (value := answer[0].get_value(0, 0)):
            self._transaction_id = value.decode()

    def _commit_gen(self) -> PQGen[None]:
        notify = [self._notify()] if self.notes else []
        if self._begin is not None or self.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            self._begin = None  # nothing was executed since `begin`: there is no transaction
            commands = notify
        elif self._only_reads:
            yield from self._commit_without_answer()
            return
        else:
            if self.pgconn.transaction_status == pq.TransactionStatus.INERROR:
                raise errors.InFailedSqlTransaction(
                    "a statement of the unit failed and the unit went on; let the error out of the unit,"
                    " or execute the statement in connection.begin_nested()"
                )
            commands = [*notify, partial(self.pgconn.send_query_params, b"COMMIT", None)]
        if commands:
            for answer in (yield from self._exchange(commands)):
                check_answer(answer)

    def _commit_without_answer(self) -> PQGen[None]:
        pgconn = self.pgconn
        if not self._syncs_owed:
            pgconn.enter_pipeline_mode()
        pgconn.send_query_params(b"COMMIT", None)
        pgconn.pipeline_sync()
        self._syncs_owed += 1
        yield from send(pgconn)

    def _rollback_gen(self) -> PQGen[None]:
        self._begin, self._unanswered = None, []
        pgconn = self.pgconn
        if pgconn.pipeline_status != pq.PipelineStatus.OFF and not self._syncs_owed:
            pgconn.finish()  # broken off in the middle of an exchange
        if pgconn.status != pq.ConnStatus.OK or self.is_idle:
            return
        (answer,) = yield from self._exchange([partial(pgconn.send_query_params, b"ROLLBACK", None)])
        check_answer(answer)

    def _notify(self) -> Command:
        quoted = (note.replace("\\", r"\\").replace('"', r"\"") for note in self.notes)
        array = ",".join(f'"{note}"' for note in quoted)
        return partial(self.pgconn.send_query_params, NOTIFY, [f"{{{array}}}".encode()])


def check_answer(answer: Answers) -> None:
    """Raise the error of PostgreSQL in an answer to one command, if there is one."""
    for result in answer:
        if result.status not in _OK:
            raise errors.error_from_result(result)
