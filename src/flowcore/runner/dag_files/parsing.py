"""Import a Dag file and say what it makes. The author's code runs: do this where it can do no harm."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from flowcore.domain.asset_cycles import asset_cycle, cycle_complaint
from flowcore.domain.dag_assets import DagAssets
from flowcore.domain.dag_files import NewVersion, ParsedFile, code_digest
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.dags import Dag
from flowcore.errors import DagError
from flowcore.sdk.dags import DAG
from flowcore.sdk.folder_modules import forget_modules, imported_modules
from flowcore.sdk.loading import load_dag_source, read_dag_source

#: So many Dags of one file are registered; more of them are most likely a mistake.
DAGS_MAX = 10_000


def parse_dag_file(path: Path, folder: Path) -> ParsedFile:
    """The source of a file and the Dags that it makes.

    Raises:
        DagError: it cannot be imported, or one of its Dags cannot be used or stored.
    """
    source = read_dag_source(path, folder=folder)
    # Or what other files have imported could not be told from what this one imports.
    forget_modules(source.folder)
    made = load_dag_source(source)
    if len(made) > DAGS_MAX:
        raise DagError(f"{path} makes {len(made)} Dags; let one file make {DAGS_MAX} of them at the most")
    modules = _digests_of_modules(source.folder)
    code = code_digest(source.text, modules)
    source = attrs.evolve(source, digest=_digest_with_modules(source.digest, modules))
    versions = tuple(_version(dag, source, code) for dag in made)
    _check_asset_cycles(source.path, [version.dag for version in versions])
    return ParsedFile(source=source, versions=versions)


def _version(dag: DAG, source: DagSource, code: str) -> NewVersion:
    try:
        return NewVersion.of(attrs.evolve(dag.compile(), fileloc=source.path), source, code=code)
    except DagError as error:
        raise DagError(f"{source.path}: {error}") from error


def _check_asset_cycles(path: str, dags: Sequence[Dag]) -> None:
    of_dags = [DagAssets.of(dag) for dag in dags]
    for dag in dags:
        if cycle := asset_cycle(dag.dag_id, of_dags):
            raise DagError(f"{path}: {cycle_complaint(cycle)}")


def _digests_of_modules(folder: str) -> Mapping[str, str]:
    """Digests of those modules of the folder that were imported, by name."""
    return {name: _digest_of_file(path) for name, path in imported_modules(folder).items()}


def _digest_of_file(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:  # deleted since: whatever comes in its place is something else
        return ""


def _digest_with_modules(digest: str, modules: Mapping[str, str]) -> str:
    if not modules:
        return digest
    parts = [digest, *(f"{name} {of_module}" for name, of_module in sorted(modules.items()))]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
