"""Puts together where what tries ask for is found."""

from __future__ import annotations

from flowcore.app.run_reader import RunReader
from flowcore.app.xcom_reader import XComReader
from flowcore.database.engine import Database
from flowcore.runner.sources import TrySources
from flowcore.secrets.service import Secrets


def sources_of_tries(database: Database, secrets: Secrets) -> TrySources:
    """The sources of the tries of one process."""
    return TrySources(xcoms=XComReader(database), runs=RunReader(database), secrets=secrets)
