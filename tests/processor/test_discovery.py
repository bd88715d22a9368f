from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowcore.processor.discovery import find_dag_files, look_at_folder, looks_like_a_dag_file
from flowcore.settings import IgnoreSyntax


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ["b.py", "a/c.py", ".hidden.py", ".git/d.py", "__pycache__/e.py", "notes.txt", "a/f/g.py"]:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    return tmp_path


def test_python_files_are_found_at_any_depth_in_order(folder: Path) -> None:
    assert list(look_at_folder(folder).files) == ["a/c.py", "a/f/g.py", "b.py"]
    assert find_dag_files(folder) == [folder / "a/c.py", folder / "a/f/g.py", folder / "b.py"]


def test_a_file_that_was_replaced_in_the_same_moment_looks_different(folder: Path) -> None:
    before = look_at_folder(folder).files
    times = os.stat(folder / "b.py")
    (folder / "new").touch()
    os.utime(folder / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
    os.replace(folder / "new", folder / "b.py")
    after = look_at_folder(folder).files
    assert before["b.py"] != after["b.py"]
    assert before["a/c.py"] == after["a/c.py"]


def test_ignored_files_and_folders_are_left_out(folder: Path) -> None:
    (folder / ".airflowignore").write_text("a/c.py\n")
    (folder / "a" / ".airflowignore").write_text("f/\n")
    assert list(look_at_folder(folder).files) == ["b.py"]


def test_regular_expressions_are_understood_when_asked_for(folder: Path) -> None:
    (folder / ".airflowignore").write_text("a/[cg]\n")
    sight = look_at_folder(folder, syntax=IgnoreSyntax.REGEXP)
    assert list(sight.files) == ["a/f/g.py", "b.py"]


@pytest.mark.parametrize(("text", "message"), [(b"[z-a]", "is no glob pattern"), (b"\xff", "cannot be read")])
def test_rules_that_cannot_be_read_are_told_and_passed_over(text: bytes, message: str, folder: Path) -> None:
    (folder / ".airflowignore").write_bytes(text)
    sight = look_at_folder(folder)
    assert len(sight.files) == 3
    [failure] = sight.failures
    assert failure.fileloc == str(folder / ".airflowignore")
    assert message in failure.message


def test_links_are_followed_once(folder: Path) -> None:
    (folder / "a" / "back").symlink_to(folder)
    (folder / "link.py").symlink_to("b.py")
    (folder / "nowhere.py").symlink_to("absent.py")
    assert list(look_at_folder(folder).files) == ["a/c.py", "a/f/g.py", "b.py", "link.py"]


def test_a_folder_may_be_a_link(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("elsewhere") / "dags"
    link.symlink_to(folder)
    assert find_dag_files(link)[-1] == link / "b.py"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    sight = look_at_folder(tmp_path / "absent")
    assert (sight.files, sight.unreadable) == ({}, ("",))
    assert "absent: cannot be read: No such file" in sight.failures[0].message


def test_other_files_are_looked_at_when_asked_for(folder: Path) -> None:
    others = look_at_folder(folder, others=["notes.txt", "absent.txt"]).others
    assert (others["notes.txt"] is not None, others["absent.txt"]) == (True, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"from flowcore.sdk import DAG", True),
        (b"from airflow.decorators import dag", True),
        (b"from AIRFLOW import Dag", True),
        (b"import flowcore", False),
        (b"dag = 1", False),
    ],
)
def test_a_dag_file_is_known_by_two_words(text: bytes, expected: bool, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_bytes(text)
    assert looks_like_a_dag_file(tmp_path / "file.py") is expected
    assert len(find_dag_files(tmp_path, safe_mode=True)) == expected


def test_a_file_that_cannot_be_read_is_left_to_whoever_imports_it(tmp_path: Path) -> None:
    assert looks_like_a_dag_file(tmp_path / "absent.py")
