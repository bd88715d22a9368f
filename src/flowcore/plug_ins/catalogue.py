"""All plug-ins of this process, and what is wrong with any of them.

What entry points name is imported when it is used. Plug-ins written for Airflow have to be imported for
anybody to know what they bring, so a process asks for the catalogue only when it needs one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from importlib import import_module
from pathlib import Path

import attrs

from flowcore.entry_points import distribution_of, entry_points
from flowcore.plug_ins.airflow_plugins import GROUP, brought_by, is_airflow_plugin
from flowcore.plug_ins.folder import (
    import_plugin_file,
    make_folder_importable,
    plugin_files,
    plugins_folder,
)
from flowcore.plug_ins.kinds import Kind, PlugIn, Problem

log = logging.getLogger(__name__)

Found = Iterator[PlugIn | Problem]


@attrs.frozen
class Catalogue:
    """Plug-ins by kind and name; of two with the same name the first counts."""

    by_kind: Mapping[Kind, Mapping[str, PlugIn]]
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, found: Iterable[PlugIn | Problem]) -> Catalogue:
        """Put in order what was found."""
        by_kind: dict[Kind, dict[str, PlugIn]] = {kind: {} for kind in Kind}
        problems = []
        for one in found:
            if isinstance(one, Problem):
                problems.append(one)
            elif (first := by_kind[one.kind].setdefault(one.name, one)) is not one:
                reason = f"{first.origin} brings {one.kind} of that name already; uninstall one of them"
                problems.append(Problem(one.name, one.origin, reason))
        return cls(by_kind, tuple(problems))

    def get(self, kind: Kind, name: str) -> PlugIn | None:
        """The plug-in of that kind and name."""
        return self.by_kind[kind].get(name)

    def all(self) -> Iterator[PlugIn]:
        """Every plug-in, by kind and name."""
        for plug_ins in self.by_kind.values():
            yield from (plug_ins[name] for name in sorted(plug_ins))


@cache
def catalogue() -> Catalogue:
    """The plug-ins of this process; what is wrong with them is logged, once."""
    # Plug-ins import Airflow's names, and what makes these stands above us in the layers.
    import_module("flowcore.compat.airflow_modules").make_airflow_importable()
    make_folder_importable()
    found = Catalogue.of([*_from_entry_points(), *_from_airflow_plugins(), *_from_folder()])
    for problem in found.problems:
        log.warning("plug-in %s of %s: %s", problem.name, problem.origin, problem.reason)
    return found


def _from_entry_points() -> Found:
    for kind in Kind:
        for point in entry_points(kind.group).values():
            yield PlugIn(kind, point.name, point.value, distribution_of(point), point.load)


def _from_airflow_plugins() -> Found:
    for point in entry_points(GROUP).values():
        yield from _brought(point.name, distribution_of(point), lambda point=point: [point.load()])  # type: ignore[misc]


def _from_folder() -> Found:
    folder = plugins_folder()
    for file in () if folder is None else plugin_files(folder):
        assert folder is not None
        load = partial(_classes_of_file, file, folder)
        yield from _brought(str(file.relative_to(folder)), str(folder), load)


def _classes_of_file(file: Path, folder: Path) -> list[object]:
    module = import_plugin_file(file, folder)
    # What it imported from another file is that one's to bring.
    return [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]


def _brought(name: str, origin: str, load: Callable[[], Iterable[object]]) -> Found:
    """What the plug-in classes among those things bring; one that fails keeps nobody else from theirs."""
    try:
        plugins = list(dict.fromkeys(filter(is_airflow_plugin, load())))
    # Whatever an import raises; SystemExit is what a script ends with.
    except (Exception, SystemExit) as error:
        yield _problem(name, origin, error)
        return
    for plugin in plugins:
        try:
            yield from list(brought_by(plugin, origin))
        except (Exception, SystemExit) as error:
            yield _problem(name, origin, error)


def _problem(name: str, origin: str, error: BaseException) -> Problem:
    return Problem(name, origin, f"{type(error).__name__}: {error}")
