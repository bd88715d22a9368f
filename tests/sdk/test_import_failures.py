from __future__ import annotations

from pathlib import Path

import pytest

from flowcore.errors import DagError, UsageError
from flowcore.sdk.import_failures import import_failure, place_in_file

PATH = Path("/dags/file.py")
INSTALL = "install the distribution that has it, or put the module into the Dag folder"


def raised_by(text: str) -> BaseException:
    try:
        exec(compile(text, str(PATH), "exec"), {"DagError": DagError, "UsageError": UsageError})
    except BaseException as error:
        return error
    raise AssertionError("it was to raise")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (", "/dags/file.py:1: SyntaxError: '(' was never closed; mend the file"),
        ("\n1 / 0", "/dags/file.py:2: ZeroDivisionError: division by zero; mend the file"),
        ("raise ValueError('a\\n  b')", "/dags/file.py:1: ValueError: a b; mend the file"),
        ("raise DagError('no; do')", "/dags/file.py:1: no; do"),
        ("raise UsageError('no; do')", "/dags/file.py:1: UsageError: no; do"),
        ("import not_there", f"/dags/file.py:1: ModuleNotFoundError: No module named 'not_there'; {INSTALL}"),
    ],
)
def test_the_author_is_told_where_what_and_the_remedy(text: str, message: str) -> None:
    assert import_failure(PATH, raised_by(text)) == message


def test_the_last_line_of_the_file_is_named() -> None:
    assert place_in_file(PATH, raised_by("def f():\n  1 / 0\nf()")) == "/dags/file.py:2"


def test_an_error_from_elsewhere_names_the_file() -> None:
    assert place_in_file(PATH, ValueError()) == "/dags/file.py"
