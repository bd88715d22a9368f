from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from flowcore.errors import DagError
from flowcore.sdk.loading import find_dag_files, load_dag_file

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
    before = list(sys.path)
    assert ids(load("from neighbour_of_dag_file import NAME\na = DAG(NAME)")) == ["a"]
    assert sys.path == before


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
        ("\nimport not_there_at_all", r"file\.py:3: ModuleNotFoundError: .*; mend the file"),
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


def test_dag_files_are_found_below_a_folder(tmp_path):
    for name in ["b.py", "a/c.py", ".hidden.py", ".git/d.py", "__pycache__/e.py", "notes.txt"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_dag_files(tmp_path) == [tmp_path / "a/c.py", tmp_path / "b.py"]
