"""Cursors of the native lane: psycopg's, with another way to carry a statement out.

What a statement sends is psycopg's affair, and so are the statements it prepares; what travels with it
is that of `native_transaction.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import psycopg
from psycopg._preparing import Prepare
from psycopg._queries import PostgresQuery
from psycopg.abc import Params, PQGen, Query

from flowcore.database.native_connection import Row
from flowcore.database.native_transaction import Command, NativeConnection, check_answer


class NativeCursor(psycopg.Cursor[Row]):
    """A cursor whose statements travel together with what their transaction has to say."""

    _conn: NativeConnection
    is_unanswered = False

    def _execute_gen(
        self,
        query: Query,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> PQGen[None]:
        self._conn.counters.statements += 1
        self._conn.begins_with_statement = True
        try:
            yield from super()._execute_gen(query, params, prepare=prepare, binary=binary)
        finally:
            self._conn.begins_with_statement = False

    def executemany(self, query: Query, params_seq: Iterable[Params], *, returning: bool = False) -> None:
        # psycopg batches these in a pipeline of its own, in which BEGIN cannot travel.
        self._conn.begin_now()
        super().executemany(query, params_seq, returning=returning)

    def _maybe_prepare_gen(
        self, pgq: PostgresQuery, *, prepare: bool | None = None, binary: bool | None = None
    ) -> PQGen[None]:
        if self._conn._pipeline:  # executemany
            yield from super()._maybe_prepare_gen(pgq, prepare=prepare, binary=binary)
            return
        self._query = pgq
        prep, name = self._get_prepared(pgq, prepare)
        if self.is_unanswered and prep is Prepare.YES and self._conn.may_leave_unanswered:
            self._conn.leave_unanswered(self._commands(pgq, prep, name))
            return
        answers = yield from self._conn.exchange_statement(self._commands(pgq, prep, name), pgq.query)
        results = answers[-1]
        if prep is Prepare.SHOULD:
            check_answer(answers[0])
        key = self._conn._prepared.maybe_add_to_cache(pgq, prep, name)
        if key is not None:
            self._conn._prepared.validate(key, prep, name, results)
        self._check_results(results)
        self._set_results(results)

    def _commands(self, pgq: PostgresQuery, prep: Prepare, name: bytes) -> list[Command]:
        pgconn = self._pgconn
        if prep is Prepare.NO:
            return [
                partial(
                    pgconn.send_query_params,
                    pgq.query,
                    pgq.params,
                    param_formats=pgq.formats,
                    param_types=pgq.types,
                    result_format=self.format,
                )
            ]
        execute = partial(
            pgconn.send_query_prepared,
            name,
            pgq.params,
            param_formats=pgq.formats,
            result_format=self.format,
        )
        if prep is Prepare.YES:
            return [execute]
        return [partial(pgconn.send_prepare, name, pgq.query, param_types=pgq.types), execute]
