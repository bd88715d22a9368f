from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from flowcore.errors import SettingsError
from flowcore.processor.ignore_rules import IgnoreRules
from flowcore.settings import IgnoreSyntax

GLOB, REGEXP = IgnoreRules(), IgnoreRules(IgnoreSyntax.REGEXP)


def is_ignored(rules: IgnoreRules, path: str) -> bool:
    """Whether a file is left out, or a folder on the way to it."""
    parts = path.split("/")
    folders = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    return any(rules.ignore(folder, is_folder=True) for folder in folders) or rules.ignore(
        path, is_folder=False
    )


@pytest.mark.parametrize(
    ("text", "ignored", "kept"),
    [
        ("a.py", ["a.py", "x/a.py", "a.py/b.py"], ["ba.py", "a.pyc"]),
        ("/a.py", ["a.py"], ["x/a.py"]),
        ("x/a.py", ["x/a.py"], ["y/x/a.py"]),
        ("x/", ["x/a.py", "y/x/a.py"], ["x"]),
        ("test_*.py  # not Dags", ["test_a.py", "x/test_a.py"], ["a_test.py"]),
        ("**/x/*.py", ["x/a.py", "y/z/x/a.py"], ["x/y/a.txt"]),
        ("x/**/a.py", ["x/a.py", "x/y/z/a.py"], ["a.py", "x/ya.py"]),
        ("x/**", ["x/a.py"], ["x"]),
        ("[ab]?.py", ["a1.py"], ["c1.py", "a.py"]),
        ("[!a].py", ["b.py"], ["a.py"]),
        ("*\n!keep.py", ["a.py"], ["keep.py"]),
        ("!keep.py\n*", ["keep.py"], []),
        (r"a\*.py", ["a*.py"], ["ab.py"]),
        ("# only a comment\n\n/\n", [], ["a.py"]),
    ],
)
def test_globs_mean_what_they_mean_to_git(text: str, ignored: list[str], kept: list[str]) -> None:
    rules = GLOB.and_those_of(text, folder="")
    assert [path for path in ignored if not is_ignored(rules, path)] == []
    assert [path for path in kept if is_ignored(rules, path)] == []


@pytest.mark.parametrize(
    ("text", "ignored", "kept"),
    [
        ("project_a", ["project_a_1.py", "TESTING_project_a.py", "project_a/b.py"], ["project_b.py"]),
        (r"tenant_[\d]", ["tenant_1.py"], ["tenant_a.py"]),
        ("^x/.*_old", ["x/a_old.py"], ["y/x/a_old.py"]),
    ],
)
def test_regular_expressions_match_anywhere(text: str, ignored: list[str], kept: list[str]) -> None:
    rules = REGEXP.and_those_of(text, folder="")
    assert [path for path in ignored if not is_ignored(rules, path)] == []
    assert [path for path in kept if is_ignored(rules, path)] == []


def test_rules_of_a_folder_hold_below_it_and_come_last() -> None:
    rules = GLOB.and_those_of("*.py", folder="").and_those_of("!/a.py", folder="x")
    assert [is_ignored(rules, path) for path in ("a.py", "x/a.py", "x/y/a.py")] == [True, False, True]


@pytest.mark.parametrize("rules", [GLOB, REGEXP])
def test_a_line_that_is_no_pattern_says_so(rules: IgnoreRules) -> None:
    with pytest.raises(SettingsError, match=r"the line '\[z-a\]' is no \w+ pattern .*correct it"):
        rules.and_those_of("[z-a]", folder="x")


# Without what the library takes otherwise than Git: `/**/` at the end, and what `!` means for folders.
globs = st.from_regex(
    r"/?(\*\*/)?[ab*?]{1,3}(/(\*\*|[ab*?]{1,3})){0,2}/?", fullmatch=True, alphabet="ab*?/"
).filter(lambda glob: not glob.endswith("**/"))
paths = st.from_regex(r"[ab]{1,3}(/[ab]{1,3}){0,3}", fullmatch=True, alphabet="ab/")


@given(lines=st.lists(globs, min_size=1, max_size=3), path=paths)
@example(lines=["a/**/**/b"], path="a/b")
@example(lines=["*/"], path="a/b")
@example(lines=["**/**/**"], path="a")
def test_globs_agree_with_a_library_for_git(lines: list[str], path: str) -> None:
    ours = GLOB.and_those_of("\n".join(lines), folder="")
    theirs = GitIgnoreSpec.from_lines(lines)
    parts = path.split("/")
    folders = ["/".join(parts[:depth]) + "/" for depth in range(1, len(parts))]
    assert is_ignored(ours, path) == any(theirs.match_file(subject) for subject in [*folders, path])
