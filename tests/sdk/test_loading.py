from __future__ import annotations

import sys
import traceback
from textwrap import dedent

import pytest

from flowcore.domain.dag_sources import DagSource
from flowcore.errors import DagError
from flowcore.sdk.loading import (
    forget_dag_source,
    load_dag_file,
    load_dag_source,
    read_dag_source,
)
from tests.support.plug_ins import importable

HEAD = "from flowcore.sdk import DAG, dag, task\n"


@pytest.fixture
def load(tmp_path):
    def load(text, name="file.py"):
        path = tmp_path / name
        path.write_text(HEAD + dedent(text))
        return load_dag_file(path)

    return load


def ids(dags):
    return [dag.dag_id for dag in dags]


def test_dags_bound_to_names_are_found(load):
    assert ids(load("a = DAG('a'); b = DAG('b')")) == ["a", "b"]


def test_entered_dags_are_found_without_a_name(load):
    text = """
    with DAG("a"):
        pass
    @dag
    def b(): pass
    b()
    @dag
    def never_called(): pass
    """
    assert ids(load(text)) == ["a", "b"]


def test_dag_bound_twice_is_one(load):
    assert ids(load("a = b = DAG('a')\nwith a: pass")) == ["a"]


def test_dag_knows_its_file(load, tmp_path):
    assert load("a = DAG('a')")[0].fileloc == str(tmp_path / "file.py")


def test_two_dags_of_one_id_are_refused(load):
    with pytest.raises(DagError, match="makes two Dags called 'a'; give one of them"):
        load("a = DAG('a'); b = DAG('a')")


def test_neighbours_can_be_imported(load, tmp_path, monkeypatch):
    (tmp_path / "neighbour_of_dag_file.py").write_text("NAME = 'a'")
    monkeypatch.delitem(sys.modules, "neighbour_of_dag_file", raising=False)
    assert ids(load("from neighbour_of_dag_file import NAME\na = DAG(NAME)")) == ["a"]


def test_neighbours_can_be_imported_when_a_function_runs(load, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "late_neighbour.py").write_text("NAME = 'a'")
    text = "with DAG('a'):\n @task\n def late():\n  import late_neighbour\n  return late_neighbour\n late()"
    for _ in range(2):
        [dag] = load(text)
    assert dag.get_task("late").called.function().NAME == "a"
    # Last and once: the folder hides nothing.
    assert (sys.path[-1], sys.path.count(str(tmp_path))) == (str(tmp_path), 1)


def test_an_edited_neighbour_is_imported_anew(load, tmp_path):
    kept = []
    for number in (1, 22):
        (tmp_path / "edited_neighbour.py").write_text(f"NAME = 'a{number}'")
        [dag] = load("import edited_neighbour\na = DAG(edited_neighbour.NAME)")
        kept.append(sys.modules["edited_neighbour"])
    assert (dag.dag_id, [module.NAME for module in kept]) == ("a22", ["a1", "a22"])


def test_edited_file_is_read_anew(load):
    assert (ids(load("a = DAG('a')")), ids(load("a = DAG('b')"))) == (["a"], ["b"])


def test_files_of_one_name_are_different_modules(load, tmp_path):
    (tmp_path / "sub").mkdir()
    modules = {
        load(f"x = DAG('x')\n@task\ndef {name}(): pass\nwith x: {name}()", file)[0]
        .tasks[0]
        .called.function.__module__
        for name, file in [("a", "file.py"), ("b", "sub/file.py")]
    }
    assert len(modules) == 2


def test_dataclasses_with_postponed_hints_find_their_module(tmp_path):
    path = tmp_path / "file.py"
    text = """
    from __future__ import annotations
    import dataclasses, typing
    from flowcore.sdk import DAG
    @dataclasses.dataclass
    class Row:
        kind: typing.ClassVar[str] = "r"
    a = DAG(Row().kind)
    """
    path.write_text(dedent(text))
    assert ids(load_dag_file(path)) == ["r"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (", r"file\.py:2: SyntaxError: .*; mend the file"),
        (
            "\nimport not_there_at_all",
            r"file\.py:3: ModuleNotFoundError: .*; install the distribution that has it",
        ),
        ("def f(): 1 / 0\nf()", r"file\.py:2: ZeroDivisionError: .*; mend the file"),
        ("raise SystemExit(1)", r"file\.py:2: SystemExit: 1; mend the file"),
        ("raise ValueError('a\\nb')", r"file\.py:2: ValueError: a b; mend the file"),
        (
            "with DAG('d'):\n    task(task_id='t', retries=-1)(len)(1)",
            r"file\.py:3: task 't' of Dag 'd' has retr",
        ),
        ("open('/does/not/exist')", r"file\.py:2: FileNotFoundError"),
    ],
)
def test_whatever_the_file_raises_says_where(load, text, message):
    with pytest.raises(DagError, match=message) as caught:
        load(text)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_missing_file_is_the_authors_mistake(tmp_path):
    with pytest.raises(DagError, match="cannot be read: No such file"):
        load_dag_file(tmp_path / "none.py")


def test_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(DagError, match="is no Python file"):
        load_dag_file(tmp_path / "dag.txt")


def source_of(text, path):
    return DagSource.of(HEAD + text, path=str(path), folder=str(path.parent))


def test_version_is_imported_whatever_the_file_holds_by_now(tmp_path):
    path = tmp_path / "file.py"
    path.write_text("1 / 0")
    [dag] = load_dag_source(source_of("a = DAG('a', doc_md=__file__)", path))
    assert (dag.dag_id, dag.doc_md, dag.fileloc) == ("a", str(path), str(path))


def test_versions_of_a_file_live_side_by_side(tmp_path):
    names = set()
    for number in range(2):
        [dag] = load_dag_source(
            source_of(f"with DAG('a') as a:\n  @task\n  def f(): return {number}\n  f()", tmp_path / "f.py")
        )
        function = dag.get_task("f").called.function
        assert sys.modules[function.__module__].f.function() == number
        names.add(function.__module__)
    assert len(names) == 2


def test_traceback_shows_the_lines_of_the_version(tmp_path):
    path = tmp_path / "file.py"
    path.write_text("\n" * 10 + "# other text\n")
    with pytest.raises(DagError) as caught:
        load_dag_source(source_of("1 / 0  # the line", path))
    assert "1 / 0  # the line" in "".join(traceback.format_exception(caught.value))


def test_forgotten_version_is_no_module_any_more(tmp_path):
    source = source_of("a = DAG('a')", tmp_path / "file.py")
    before = set(sys.modules)
    load_dag_source(source)
    assert set(sys.modules) - before
    forget_dag_source(source)
    assert set(sys.modules) == before


def test_source_is_read_in_the_encoding_that_it_says(tmp_path):
    path = tmp_path / "file.py"
    path.write_bytes(
        "# coding: latin-1\nfrom flowcore.sdk import DAG\na = DAG('a', doc_md='é')".encode("latin-1")
    )
    assert load_dag_file(path)[0].doc_md == "é"


def test_source_in_no_known_encoding_is_refused(tmp_path):
    path = tmp_path / "file.py"
    path.write_bytes(b"x = '\xff'")
    with pytest.raises(DagError, match="save the file as UTF-8"):
        read_dag_source(path)


def test_dag_files_import_from_the_folder_of_plug_ins(load, tmp_path, monkeypatch):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "plugged_in.py").write_text("NAME = 'by a plug-in'")
    monkeypatch.setenv("FLOWCORE_PLUGINS_FOLDER", str(tmp_path / "plugins"))
    with importable(tmp_path):
        [dag] = load("import plugged_in; plugged = DAG(plugged_in.NAME.replace(' ', '_'))")
        assert dag.dag_id == "by_a_plug-in"
