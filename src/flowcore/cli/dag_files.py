"""Find a Dag: in the database, else in the Dag folder, where a scheduler may not have seen it yet."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from flowcore.cli.asking import read_database
from flowcore.database.queries.listing_dags import latest_dag
from flowcore.domain.dags import Dag
from flowcore.errors import DagError, DagNotFound
from flowcore.processor.discovery import find_dag_files
from flowcore.sdk.dags import DAG
from flowcore.sdk.loading import load_dag_file
from flowcore.settings import Settings


def known_dag(settings: Settings, dag_id: str) -> Dag:
    """The Dag as the scheduler sees it.

    Raises:
        DagNotFound: it is neither in the database nor in the folder.
    """
    try:
        return read_database(settings, partial(latest_dag, dag_id=dag_id))
    except DagNotFound as absent:
        return find_in_folder(settings.dags_folder, absent)


def find_in_folder(folder: Path, absent: DagNotFound) -> Dag:
    """The Dag that the database does not know; files that cannot be imported are reported and passed over.

    Raises:
        DagNotFound: no file of the folder makes it.
    """
    return authors_dag(folder, absent).compile()


def authors_dag(folder: Path, absent: DagNotFound) -> DAG:
    """The same Dag as its author wrote it.

    Raises:
        DagNotFound: no file of the folder makes it.
    """
    known = set(absent.known)
    for path in find_dag_files(folder) if folder.is_dir() else ():
        for dag in _dags_of(path, folder):
            if dag.dag_id == absent.dag_id:
                return dag
            known.add(dag.dag_id)
    raise DagNotFound(absent.dag_id, tuple(known))


def _dags_of(path: Path, folder: Path) -> list[DAG]:
    try:
        dags = load_dag_file(path, folder=folder)
        for dag in dags:
            dag.compile()
        return dags
    except DagError as error:
        click.echo(f"warning: {error}", err=True)
        return []
