from __future__ import annotations

from pathlib import Path

import pytest

from flowcore.domain.dag_sources import DagSource
from flowcore.errors import DagError
from flowcore.runner.dag_files import parsing
from flowcore.runner.dag_files.parsing import parse_dag_file

HEAD = "from flowcore.sdk import DAG\n"


def write(path: Path, text: str) -> Path:
    path.write_text(HEAD + text)
    return path


def test_a_file_is_its_source_and_the_versions_of_its_dags(tmp_path: Path) -> None:
    path = write(tmp_path / "etl.py", "a = DAG('a')\nb = DAG('b')")
    parsed = parse_dag_file(path, tmp_path)
    assert parsed.source == DagSource.of(path.read_text(), path=str(path), folder=str(tmp_path))
    assert [version.dag.dag_id for version in parsed.versions] == ["a", "b"]
    assert {version.source for version in parsed.versions} == {parsed.source}


def test_a_comment_changes_the_source_but_no_version(tmp_path: Path) -> None:
    texts = ("a = DAG('a')", "a = DAG('a')  # the best")
    plain, commented = (parse_dag_file(write(tmp_path / "etl.py", text), tmp_path) for text in texts)
    assert plain.source.digest != commented.source.digest
    assert plain.versions[0].content_hash == commented.versions[0].content_hash


def test_what_other_files_import_is_no_part_of_a_version(tmp_path: Path) -> None:
    (tmp_path / "parsed_neighbour.py").write_text("NAME = 'b'")
    alone = write(tmp_path / "alone.py", "a = DAG('a')")
    first = parse_dag_file(alone, tmp_path)
    parse_dag_file(write(tmp_path / "b.py", "from parsed_neighbour import NAME\nb = DAG(NAME)"), tmp_path)
    assert parse_dag_file(alone, tmp_path) == first


def test_a_dag_of_another_file_is_this_files_when_it_imports_it(tmp_path: Path) -> None:
    write(tmp_path / "first_of_two.py", "a = DAG('a')")
    second = write(tmp_path / "second.py", "from first_of_two import a")
    [version] = parse_dag_file(second, tmp_path).versions
    assert version.dag.fileloc == str(second)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", r"etl.py:2: ZeroDivisionError"),
        ("a = DAG('a', params={'x': '\\0'})", r"etl.py: Dag 'a' cannot be stored; leave NUL"),
        ("a = DAG('a', catchup=True, schedule='@daily')", r"etl.py: Dag 'a' has catchup=True"),
    ],
)
def test_what_is_wrong_with_a_file_names_it(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DagError, match=message):
        parse_dag_file(write(tmp_path / "etl.py", text), tmp_path)


def test_dags_without_number_are_most_likely_a_mistake(tmp_path: Path) -> None:
    text = f"for n in range({parsing.DAGS_MAX + 1}): globals()[f'd{{n}}'] = DAG(f'd{{n}}')"
    with pytest.raises(DagError, match="makes 10001 Dags; let one file make 10000 of them at the most"):
        parse_dag_file(write(tmp_path / "etl.py", text), tmp_path)


def test_dags_of_a_file_that_would_start_each_other_for_ever_are_refused(tmp_path: Path) -> None:
    text = """
from flowcore.providers.standard.empty import EmptyOperator
from flowcore.sdk import Asset
a, b = Asset('a'), Asset('b')
with DAG('load', schedule=a):
    EmptyOperator(task_id='t', outlets=[b])
with DAG('report', schedule=b):
    EmptyOperator(task_id='t', outlets=[a])
"""
    with pytest.raises(DagError, match=r"loop.py: Dags 'report', 'load' update .* out of `outlets`$"):
        parse_dag_file(write(tmp_path / "loop.py", text), tmp_path)
