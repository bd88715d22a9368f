"""Find a Dag: in the database, else in the Dag folder, where a scheduler may not have seen it yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from flowcore.cli.asking import read_database
from flowcore.cli.import_comms import lookups_in
from flowcore.database.queries.listing_dags import latest_dag
from flowcore.domain.dag_files import NewVersion
from flowcore.domain.dags import Dag
from flowcore.errors import DagError, DagNotFound
from flowcore.processor.discovery import find_dag_files
from flowcore.runner.dag_files.parsing import parse_dag_file
from flowcore.sdk.dags import DAG
from flowcore.sdk.loading import load_dag_file
from flowcore.settings import Settings

T = TypeVar("T")


def known_dag(settings: Settings, dag_id: str) -> Dag:
    """The Dag as the scheduler sees it.

    Raises:
        DagNotFound: it is neither in the database nor in the folder.
    """
    try:
        return read_database(settings, partial(latest_dag, dag_id=dag_id))
    except DagNotFound as absent:
        return version_in_folder(settings, absent).dag


def version_in_folder(settings: Settings, absent: DagNotFound) -> NewVersion:
    """The Dag that the database does not know, ready to be stored.

    Files that cannot be imported are reported and passed over.

    Raises:
        DagNotFound: no file of the folder makes it.
    """
    versions = _in_files(settings, lambda path, folder: parse_dag_file(path, folder).versions)
    return _find(((version.dag.dag_id, version) for version in versions), absent)


def authors_dag(settings: Settings, absent: DagNotFound) -> DAG:
    """The Dag of the folder as its author wrote it. Raises as `version_in_folder`."""
    dags = _in_files(settings, lambda path, folder: load_dag_file(path, folder=folder))
    return _find(((dag.dag_id, dag) for dag in dags), absent)


def _find(items: Iterator[tuple[str, T]], absent: DagNotFound) -> T:
    known = set(absent.known)
    for dag_id, item in items:
        if dag_id == absent.dag_id:
            return item
        known.add(dag_id)
    raise DagNotFound(absent.dag_id, tuple(known))


def _in_files(settings: Settings, read: Callable[[Path, Path], Sequence[T]]) -> Iterator[T]:
    folder = settings.dags_folder
    syntax, safe_mode = settings.dag_ignore_file_syntax, settings.dag_discovery_safe_mode
    for path in find_dag_files(folder, syntax=syntax, safe_mode=safe_mode) if folder.is_dir() else ():
        try:
            with lookups_in(settings):
                made = read(path, folder)
            yield from made
        except DagError as error:
            click.echo(f"warning: {error}", err=True)
