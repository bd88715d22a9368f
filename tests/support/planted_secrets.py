"""Secrets that tests plant, and the search for them: after the suite they must be nowhere (I11).

`plant` makes one. Put it where an operator keeps secrets: into the environment, a backend, the encrypted
database. It must then be in no file that a test left, in no row or log of the PostgreSQL server, in no
output of a test, and in no argument of a process; `secrets_search.py` looks there. No pytest in here.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg

# pytest-xdist gives each run an id that its workers share. Hashed, so that printing it is no leak.
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex(8)
#: Part of every planted secret of this run, whichever process planted it, and of nothing else.
_MARK = f"planted.{hashlib.sha256(_RUN.encode()).hexdigest()[:16]}"
_numbers = itertools.count()


def plant() -> str:
    """A new secret; it looks like one that was made by a machine."""
    return f"{_MARK}.{next(_numbers)}.{secrets.token_hex(4)}"


def holds_planted(text: str) -> bool:
    """Whether a planted secret, or a part that tells which it is, is in the text."""
    return any(form in text.encode("utf-8", "surrogateescape") for form in _FORMS)


def find_planted(folder: Path) -> list[str]:
    """The files below the folder that a planted secret is in."""
    return [str(path) for path in sorted(folder.rglob("*")) if path.is_file() and _is_in(path)]


def find_planted_in_server(url: str) -> list[str]:
    """The files of a PostgreSQL server with a planted secret: rows old and new, what was written, its log."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        [(folder,)] = connection.execute("SHOW data_directory").fetchall()
    return find_planted(Path(folder).parent)


def _is_in(path: Path) -> bool:
    try:
        data = path.read_bytes()
    except (FileNotFoundError, PermissionError):
        return False
    return any(form in data for form in _FORMS)


def _base64_forms(text: str) -> Iterator[bytes]:
    # Of each offset, the middle that does not depend on what stands around it.
    for before in range(3):
        yield base64.b64encode(bytes(before) + text.encode())[4:-4]


_FORMS = (_MARK.encode(), *_base64_forms(_MARK))
