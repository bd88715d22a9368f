from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from flowcore.database.queries.dag_folders import known_folder, store_folder_changes
from flowcore.database.queries.listing_dags import list_dags, list_import_errors
from flowcore.database.tables import dag_source, dag_version
from flowcore.domain.dag_files import FailedFile, FolderChanges, KnownFolder, NewVersion, code_digest
from flowcore.domain.dag_sources import DagSource
from flowcore.errors import DagError
from tests.support.scheduling import NOW, single


def made(text: str, *dag_ids: str, path: str = "/dags/a.py", **fields: Any) -> FolderChanges:
    """A file that was read."""
    source = DagSource.of(text, path=path, folder="/dags")
    dags = tuple(single(dag_id, fileloc=path, **fields) for dag_id in dag_ids)
    versions = [NewVersion.of(dag, source, code=code_digest(text)) for dag in dags]
    return FolderChanges(versions=versions, makes={path: dag_ids})


def store(connection: sa.Connection, *changes: FolderChanges) -> list[frozenset[str]]:
    return [
        store_folder_changes(
            connection, change, now=NOW + timedelta(hours=hour), paused_at_creation=False
        ).retired
        for hour, change in enumerate(changes)
    ]


def versions(connection: sa.Connection) -> list[Any]:
    columns = (dag_version.c.version_number, dag_version.c.path, dag_source.c.text)
    joined = sa.select(*columns).join(dag_source, dag_source.c.digest == dag_version.c.source_digest)
    return [tuple(row) for row in connection.execute(joined.order_by(dag_version.c.version_number))]


def active(connection: sa.Connection) -> dict[str, bool]:
    return {listed.dag_id: listed.is_active for listed in list_dags(connection)}


def test_a_version_keeps_the_source_of_its_file(connection: sa.Connection) -> None:
    store(connection, made("x = 1", "etl", path="/dags/sub/a.py"))
    assert versions(connection) == [(1, "sub/a.py", "x = 1")]


def test_other_code_is_another_version_though_the_dag_looks_the_same(connection: sa.Connection) -> None:
    store(connection, made("x = 1", "etl"), made("x = 2", "etl"))
    assert [(number, text) for number, _, text in versions(connection)] == [(1, "x = 1"), (2, "x = 2")]


def test_another_comment_is_no_other_version_but_shown_in_tracebacks(connection: sa.Connection) -> None:
    store(connection, made("x = 1", "etl"), made("# one\nx = 1", "etl"))
    assert versions(connection) == [(1, "a.py", "# one\nx = 1")]


def test_a_file_that_was_moved_is_another_version(connection: sa.Connection) -> None:
    store(connection, made("x = 1", "etl"), made("x = 1", "etl", path="/dags/b.py"))
    assert [(number, path) for number, path, _ in versions(connection)] == [(1, "a.py"), (2, "b.py")]


def test_a_dag_that_its_file_makes_no_longer_is_inactive(connection: sa.Connection) -> None:
    retired = store(connection, made("x = 1", "kept", "gone"), made("x = 2", "kept"))
    assert retired == [frozenset(), {"gone"}]
    assert active(connection) == {"gone": False, "kept": True}


def test_dags_of_a_file_that_is_gone_are_inactive(connection: sa.Connection) -> None:
    store(connection, made("x = 1", "etl"), FolderChanges(makes={"/dags/a.py": ()}))
    assert active(connection) == {"etl": False}


def test_a_dag_comes_back_with_its_file(connection: sa.Connection) -> None:
    there = made("x = 1", "etl")
    store(connection, there, FolderChanges(makes={"/dags/a.py": ()}), there)
    assert active(connection) == {"etl": True}
    assert len(versions(connection)) == 1


def test_a_dag_that_moved_to_another_file_stays_when_the_first_one_goes(connection: sa.Connection) -> None:
    moved = made("x = 1", "etl", path="/dags/b.py")
    store(connection, made("x = 1", "etl"), moved, FolderChanges(makes={"/dags/a.py": ()}))
    assert active(connection) == {"etl": True}


def test_dags_of_a_file_that_fails_stay_as_they_were(connection: sa.Connection) -> None:
    broken = FolderChanges(failures=[FailedFile(fileloc="/dags/a.py", message="broken")])
    store(connection, made("x = 1", "etl"), broken)
    assert active(connection) == {"etl": True}


def test_the_failures_of_a_file_replace_those_before(connection: sa.Connection) -> None:
    failures = [FailedFile(fileloc="/dags/a.py", message=text, detail=f"{text}!") for text in ("old", "new")]
    store(connection, *(FolderChanges(failures=[failure]) for failure in failures))
    [listed] = list_import_errors(connection)
    assert (listed.message, listed.detail, listed.seen_at) == ("new", "new!", NOW + timedelta(hours=1))


@pytest.mark.parametrize("after", [made("x = 1", "etl"), FolderChanges(makes={"/dags/a.py": ()})])
def test_a_file_that_was_mended_or_deleted_has_no_failure(
    after: FolderChanges, connection: sa.Connection
) -> None:
    failures = [FailedFile(fileloc=f"/dags/{name}.py", message="broken") for name in "ab"]
    store(connection, FolderChanges(failures=failures), after)
    assert [listed.fileloc for listed in list_import_errors(connection)] == ["/dags/b.py"]


def test_a_file_may_make_dags_and_have_a_failure(connection: sa.Connection) -> None:
    failure = FailedFile(fileloc="/dags/a.py", message="one of its Dags is another file's")
    store(connection, attrs.evolve(made("x = 1", "etl"), failures=[failure]))
    assert active(connection) == {"etl": True}
    assert len(list_import_errors(connection)) == 1


def test_what_is_known_of_a_folder_is_what_lies_below_it(connection: sa.Connection) -> None:
    other = made("x = 1", "other", path="/dags_too/a.py")
    failures = [FailedFile(fileloc=f"/{name}/b.py", message="broken") for name in ("dags", "dags_too")]
    gone = FolderChanges(makes={"/dags/c.py": ()}, failures=failures)
    store(connection, made("x = 1", "here"), other, made("x = 1", "gone", path="/dags/c.py"), gone)
    assert known_folder(connection, "/dags") == KnownFolder(
        dags={"here": "/dags/a.py", "gone": "/dags/c.py"},
        active=frozenset({"here"}),
        failed=frozenset({"/dags/b.py"}),
    )


def test_one_dag_that_cannot_be_stored_is_an_error_of_the_author(connection: sa.Connection) -> None:
    with pytest.raises(DagError, match="Dag 'etl' cannot be stored; leave NUL and halves of surrogate pairs"):
        store(connection, made("x = 1", "etl", doc_md="a\0b"))
