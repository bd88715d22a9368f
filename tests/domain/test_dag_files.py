from __future__ import annotations

import math

import pytest

from flowcore.domain.dag_files import NewVersion, code_digest
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.dags import Dag
from flowcore.errors import DagError

DAG = Dag(dag_id="etl")


def version_of(text: str, *, path: str = "/dags/a.py", folder: str = "/dags", dag: Dag = DAG) -> str:
    source = DagSource.of(text, path=path, folder=folder)
    return NewVersion.of(dag, source, code=code_digest(text)).content_hash


@pytest.mark.parametrize("same", ["x=1", "x = 1  # one", "\n\nx = 1\n", "x = (\n  1\n)"])
def test_layout_and_comments_are_no_other_code(same):
    assert code_digest(same) == code_digest("x = 1")


@pytest.mark.parametrize("other", ["x = 2", "y = 1", "'doc'\nx = 1", "x = 1.0", "x = '1'"])
def test_whatever_an_import_can_see_is_other_code(other):
    assert code_digest(other) != code_digest("x = 1")


def test_code_is_what_it_imports_too():
    digests = {code_digest("x = 1", modules) for modules in [{}, {"a": "1"}, {"a": "2"}, {"b": "1"}]}
    assert len(digests) == 4


@pytest.mark.parametrize("text", ["x = (", "x = " + "+".join("1" * 100_000), "\0"])
def test_text_that_cannot_be_taken_apart_is_compared_as_written(text):
    assert code_digest(text) == code_digest(text) != code_digest(text + " ")


def test_a_version_is_the_same_wherever_the_folder_is():
    assert version_of("x = 1") == version_of("x = 1", path="/srv/dags/a.py", folder="/srv/dags")


def test_a_version_is_told_apart_by_dag_code_and_place():
    versions = {
        version_of("x = 1"),
        version_of("x = 2"),
        version_of("x = 1", path="/dags/b.py"),
        version_of("x = 1", dag=Dag(dag_id="etl", catchup=True)),
        NewVersion.of(DAG).content_hash,
    }
    assert len(versions) == 5


@pytest.mark.parametrize(
    "params",
    [{"a": "\0"}, {"a": ["\ud800"]}, {"\0": 1}, {"a": {"b": math.nan}}, {"a": -math.inf}, {"a": object()}],
)
def test_what_no_database_keeps_is_the_authors_mistake(params):
    with pytest.raises(DagError, match="Dag 'etl' cannot be stored"):
        NewVersion.of(Dag(dag_id="etl", params=params))


def test_unusual_texts_and_numbers_can_be_kept():
    NewVersion.of(Dag(dag_id="etl", params={"a": ["é", "𝄞", 1e300, 10**30, None, True]}))
