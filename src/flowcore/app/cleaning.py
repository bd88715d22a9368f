"""Delete what is old from the database, while schedulers work on it.

Batches are short transactions of their own, and after each one the others have the database for as long as it
took. What is to be archived is on the disk before it is deleted; files that belong to runs go after them.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import attrs

from flowcore.abc import XComBackend
from flowcore.app.archive_files import ArchiveFiles
from flowcore.app.xcom_removal import purge
from flowcore.database.lanes import Database
from flowcore.database.queries.old_asset_deliveries import OLD_ASSET_DELIVERIES
from flowcore.database.queries.old_asset_events import OLD_ASSET_EVENTS
from flowcore.database.queries.old_backfills import OLD_BACKFILLS
from flowcore.database.queries.old_rows import Old, OldKind
from flowcore.database.queries.old_runs import OLD_RUNS
from flowcore.database.queries.old_states import OLD_STATES
from flowcore.database.queries.old_versions import OLD_VERSIONS
from flowcore.domain.retention import Retention
from flowcore.domain.xcoms import XComPlace, place_of_all
from flowcore.runner.logs.paths import run_folder

#: Runs first: others are old once no run refers to them.
_KINDS = (OLD_RUNS, OLD_BACKFILLS, OLD_VERSIONS, OLD_ASSET_DELIVERIES, OLD_ASSET_EVENTS, OLD_STATES)


@attrs.frozen(kw_only=True)
class Cleaning:
    """How the database is cleaned.

    Args:
        batch_size: About how many task instances a batch deletes.
        archive: Where rows are kept; None: nowhere.
        xcoms: The backend that may keep XComs elsewhere; None: those are left there.
        logs_folder: The folder of which the logs of deleted runs are removed; None: they stay.
    """

    retention: Retention
    batch_size: int = 1_000
    archive: ArchiveFiles | None = None
    xcoms: XComBackend | None = None
    logs_folder: Path | None = None


async def count_old(database: Database, cleaning: Cleaning) -> Mapping[str, int]:
    """How many rows of each table would be deleted now."""
    counts: Counter[str] = Counter()
    for kind in _KINDS:
        after = 0
        while found := await _find(database, kind, cleaning, after):
            counts.update(await database.read(kind.count, found))
            after = found[-1].id
    return counts


async def clean(database: Database, cleaning: Cleaning) -> Mapping[str, int]:
    """Delete what is old; how many rows of each table.

    Raises:
        UsageError: the archive cannot be written; what it does not have was not deleted.
    """
    counts: Counter[str] = Counter()
    for kind in _KINDS:
        after = 0
        while found := await _find(database, kind, cleaning, after):
            began = anyio.current_time()
            counts.update(await _clean_batch(database, kind, cleaning, found))
            after = found[-1].id
            await anyio.sleep(anyio.current_time() - began)
    return counts


async def _find(database: Database, kind: OldKind, cleaning: Cleaning, after: int) -> Sequence[Old]:
    return await database.read(kind.find, cleaning.retention, after, cleaning.batch_size)


async def _clean_batch(
    database: Database, kind: OldKind, cleaning: Cleaning, found: Sequence[Old]
) -> Mapping[str, int]:
    is_about_runs = kind is OLD_RUNS
    rows: Mapping[str, Any] = {}
    if cleaning.archive is not None or (is_about_runs and cleaning.xcoms is not None):
        rows = await database.read(kind.read, found)
    if cleaning.archive is not None:
        await cleaning.archive.add(rows)
    deleted, counts = await database.run(kind.delete, found)
    if is_about_runs:
        await anyio.to_thread.run_sync(_remove_files, cleaning, deleted, rows)
    return counts


def _remove_files(cleaning: Cleaning, deleted: Collection[Old], rows: Mapping[str, Any]) -> None:
    runs = {old.id: old for old in deleted}
    if cleaning.xcoms is not None:
        pushed = {xcom["task_instance_id"] for xcom in rows["xcom"]}
        for row in rows["task_instance"]:
            if row["id"] in pushed and row["dag_run_id"] in runs:
                purge(cleaning.xcoms, _place(row, runs[row["dag_run_id"]]))
    if cleaning.logs_folder is not None:
        for run in deleted:
            shutil.rmtree(cleaning.logs_folder / run_folder(run.dag_id, run.run_id), ignore_errors=True)


def _place(row: Mapping[str, Any], run: Old) -> XComPlace:
    return place_of_all(run.dag_id, run.run_id, row["task_id"], row["map_index"])
