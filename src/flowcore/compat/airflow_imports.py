"""What a Dag file imports of Airflow, told from its text; nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import attrs

from flowcore.compat.airflow_modules import ROOT, NotAvailable, find_name
from flowcore.compat.airflow_names import MODULES


@attrs.frozen
class Import:
    """A module of Airflow, or a name in it, and the line of the file that imports it."""

    module: str
    name: str | None
    line: int

    def __str__(self) -> str:
        return self.module if self.name is None else f"{self.module}.{self.name}"

    @property
    def problem(self) -> str | None:
        """Why it cannot be imported, with the remedy; None when it can."""
        if self.module not in MODULES:
            return str(NotAvailable(str(self)))
        if self.name in (None, "*") or f"{self.module}.{self.name}" in MODULES:
            return None
        try:
            find_name(self.module, str(self.name))
        except ImportError as error:  # we do not have it, or an extra is missing
            return str(error)
        return None


def airflow_imports(text: str) -> Iterator[Import]:
    """Every import of Airflow in a Python text, also those inside of functions, in the order of lines.

    Raises:
        SyntaxError: it is no Python.
    """
    found = [item for node in ast.walk(ast.parse(text)) for item in _imports_of(node)]
    yield from sorted(found, key=lambda item: (item.line, str(item)))


def _imports_of(node: ast.AST) -> Iterator[Import]:
    match node:
        case ast.Import():
            for alias in node.names:
                if _is_airflow(alias.name):
                    yield Import(alias.name, None, node.lineno)
        case ast.ImportFrom(module=str(module), level=0) if _is_airflow(module):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)


def _is_airflow(module: str) -> bool:
    return module.partition(".")[0] == ROOT
