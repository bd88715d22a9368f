"""Puts together where what tries ask for is found."""

from __future__ import annotations

import attrs

from flowcore.app.run_reader import RunReader
from flowcore.app.run_triggers import RunTriggers
from flowcore.app.state_stores import StateStores, UnstoredStates
from flowcore.app.xcom_reader import XComReader
from flowcore.clock import Clock, SystemClock
from flowcore.database.engine import Database
from flowcore.domain.run_types import RUN_ID_PATTERN
from flowcore.runner.sources import TrySources
from flowcore.secrets.service import Secrets


def sources_of_tries(
    database: Database,
    secrets: Secrets,
    *,
    clock: Clock | None = None,
    run_id_pattern: str = RUN_ID_PATTERN,
    state_retention_s: float | None = None,
) -> TrySources:
    """The sources of the tries of one process; runs that they ask for are dated by the clock."""
    return TrySources(
        xcoms=XComReader(database),
        runs=RunReader(database),
        trigger=RunTriggers(database, clock or SystemClock(), run_id_pattern=run_id_pattern),
        secrets=secrets,
        states=StateStores(database, retention_s=state_retention_s),
    )


def sources_outside_runs(database: Database, secrets: Secrets) -> TrySources:
    """The sources of a try that belongs to no run: what it keeps as state is gone with it."""
    return attrs.evolve(sources_of_tries(database, secrets), states=UnstoredStates())
