"""What linters cannot say about the source: every file is explained and short, and no name is a drawer."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
LINES_MAX = 300
FUNCTION_LINES_MAX = 50
#: Words that fit every class say nothing about any.
DRAWERS = ("Manager", "Helper", "Util", "Utils", "Handler", "Processor", "Mixin")


@pytest.fixture(scope="module")
def sources():
    return {str(path.relative_to(SRC)): path.read_text() for path in sorted(SRC.rglob("*.py"))}


@pytest.fixture(scope="module")
def trees(sources):
    return {name: ast.parse(text) for name, text in sources.items()}


def test_modules_are_explained(trees):
    explanations = {name: ast.get_docstring(tree) for name, tree in trees.items()}
    assert [name for name, text in explanations.items() if text in (None, "To be written.")] == []


def test_files_hold_one_concept(sources):
    long = [name for name, text in sources.items() if text.count("\n") > LINES_MAX]
    # A migration is one change of the schema, however much that changes.
    assert [name for name in long if "/migrations/versions/" not in name] == []


def test_functions_fit_on_a_screen(trees):
    long = [
        (name, node.name)
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert long == []


def test_classes_have_names_that_say_something(trees):
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    names = [node.name for node in nodes if isinstance(node, ast.ClassDef)]
    assert [name for name in names if name.endswith(DRAWERS)] == []
