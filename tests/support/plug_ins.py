"""Distributions that bring plug-ins, made of text: modules and a `.dist-info`, as pip would leave them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flowcore.entry_points import entry_points
from flowcore.plug_ins.catalogue import catalogue
from flowcore.plug_ins.folder import plugins_folder
from flowcore.plug_ins.listeners import listeners


def write_distribution(
    folder: Path, name: str, modules: Mapping[str, str], points: Mapping[str, Mapping[str, str]]
) -> None:
    """Write version 1 of a distribution; `points` are its entry points by group."""
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
    metadata = folder / f"{name.replace('-', '_')}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    groups = [
        [f"[{group}]", *(f"{key} = {path}" for key, path in of.items())] for group, of in points.items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(line for group in groups for line in group))


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """What is in the folder is installed in the block, and no trace of it is left after it."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    forget_plug_ins()
    try:
        yield
    finally:
        sys.path[:] = [entry for entry in sys.path if not Path(entry).is_relative_to(folder)]
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
                del sys.modules[name]
        forget_plug_ins()


def forget_plug_ins() -> None:
    """Let this process look for them anew."""
    for remembered in (catalogue, entry_points, listeners, plugins_folder):
        remembered.cache_clear()
