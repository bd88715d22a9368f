from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flowcore.secrets.file_formats import FileUnreadable, parse_entries


@pytest.mark.parametrize(
    ("name", "text", "entries"),
    [
        ("a.env", "", {}),
        ("a.env", "# comment\n\n A=b=c \nD='quoted'", {"A": "b=c", "D": "'quoted'"}),
        (".env", "A=b", {"A": "b"}),
        ("a.json", '{"A": {"host": "h"}, "B": 3}', {"A": {"host": "h"}, "B": 3}),
        ("a.yaml", "A: {host: h}\nB: 3", {"A": {"host": "h"}, "B": 3}),
        ("a.yml", "1: x", {"1": "x"}),
    ],
)
def test_files_are_read_by_their_kind(name: str, text: str, entries: dict[str, object]) -> None:
    assert parse_entries(Path(name), text) == entries


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.env", "A=b\nplanted", "a.env line 2 is not of the form NAME=VALUE"),
        ("a.env", "=planted", "line 1 is not of the form"),
        ("a.env", "A=", "line 1 is not of the form"),
        ("a.env", "A=b\nA=planted", "line 2 gives A a second time"),
        ("a.json", "", "a.json is no JSON"),
        ("a.json", '{"A": "planted', "a.json is no JSON"),
        ("a.json", '["planted"]', "a.json holds no object"),
        ("a.yaml", "A: [planted", "a.yaml is no YAML"),
        ("a.yaml", "!!python/object/apply:os.getcwd []", "a.yaml is no YAML"),
        ("a.yaml", "- planted", "a.yaml holds no object"),
        ("a.ini", "planted", "a.ini is of no known kind; name it .env, .json, .yaml, .yml"),
    ],
)
def test_other_files_are_refused_without_quoting_them(name: str, text: str, complaint: str) -> None:
    with pytest.raises(FileUnreadable, match=complaint) as caught:
        parse_entries(Path(name), text)
    assert "planted" not in str(caught.value)


def test_without_the_package_yaml_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(FileUnreadable, match="pip install 'flowcore\\[yaml\\]'"):
        parse_entries(Path("a.yaml"), "A: b")
