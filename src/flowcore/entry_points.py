"""What installed distributions bring, by the groups of their entry points. Nothing of it is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@cache
def entry_points(group: str) -> Mapping[str, EntryPoint]:
    """The entry points of a group by their names; read once in each process."""
    # Loaded when it is first needed: processes that meet no plug-in should not pay for it.
    found: list[EntryPoint] = list(import_module("importlib.metadata").entry_points(group=group))
    return {point.name: point for point in found}


def distribution_of(point: EntryPoint) -> str:
    """The name and version of the distribution that an entry point comes from."""
    return "" if point.dist is None else f"{point.dist.name} {point.dist.version}"
