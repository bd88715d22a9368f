"""Look which Dag files there are; whatever asks the file system about the Dag folder is here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from flowcore.domain.dag_files import FailedFile, Stamp
from flowcore.errors import SettingsError
from flowcore.processor.ignore_rules import FILE_NAME, IgnoreRules
from flowcore.runner.dag_files.file_reads import stamp_of
from flowcore.settings import IgnoreSyntax

_DAG, _LIBRARY = re.compile(rb"dag", re.IGNORECASE), re.compile(rb"flowcore|airflow", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Sight:
    """A Dag folder as it was seen. Paths are relative to it, with `/` in them.

    `files` are the Python files that are not ignored, `others` what else was asked for (None: it is not
    there). Nothing is known of what is below an `unreadable` folder.
    """

    files: Mapping[str, Stamp]
    others: Mapping[str, Stamp | None] = attrs.field(factory=dict)
    unreadable: tuple[str, ...] = ()
    failures: tuple[FailedFile, ...] = ()


def look_at_folder(
    folder: Path, *, syntax: IgnoreSyntax = IgnoreSyntax.GLOB, others: Iterable[str] = ()
) -> Sight:
    """Look at the folder and everything below it, links to folders included. It may take a while."""
    walk = _Walk(folder)
    walk.enter("", IgnoreRules(syntax))
    return Sight(
        files=dict(sorted(walk.files.items())),
        others={path: stamp_of(folder / path) for path in others},
        unreadable=tuple(walk.unreadable),
        failures=tuple(walk.failures),
    )


def find_dag_files(
    folder: Path, *, syntax: IgnoreSyntax = IgnoreSyntax.GLOB, safe_mode: bool = False
) -> list[Path]:
    """The Python files below the folder, sorted; in `safe_mode` those that look as if they made Dags."""
    paths = [folder / path for path in look_at_folder(folder, syntax=syntax).files]
    return [path for path in paths if looks_like_a_dag_file(path)] if safe_mode else paths


def looks_like_a_dag_file(path: Path) -> bool:
    """Whether a file is worth importing: Airflow's safe mode, which leaves other people's programs alone."""
    try:
        text = path.read_bytes()
    except OSError:  # whoever imports it will say what is wrong
        return True
    return bool(_DAG.search(text) and _LIBRARY.search(text))


class _Walk:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entered: set[tuple[int, int]] = set()
        self.files: dict[str, Stamp] = {}
        self.unreadable: list[str] = []
        self.failures: list[FailedFile] = []

    def enter(self, place: str, rules: IgnoreRules) -> None:
        """Note what is in the folder `place`, unless a link has led here before."""
        try:
            found = os.stat(self._folder / place)
            if (found.st_dev, found.st_ino) in self._entered:
                return
            self._entered.add((found.st_dev, found.st_ino))
            with os.scandir(self._folder / place) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._fail(
                place, f"cannot be read: {error.strerror}; check that it is there, and its permissions"
            )
            self.unreadable.append(place)
            return
        rules = self._with_rules_of(place, rules)
        for entry in ordered:
            self._take(entry, f"{place}/{entry.name}" if place else entry.name, rules)

    def _take(self, entry: os.DirEntry[str], path: str, rules: IgnoreRules) -> None:
        if entry.name.startswith(".") or entry.name == "__pycache__":
            return
        is_folder = entry.is_dir()
        if not (is_folder or entry.name.endswith(".py")) or rules.ignore(path, is_folder=is_folder):
            return
        if is_folder:
            self.enter(path, rules)
        # A link that leads nowhere, or a file that was deleted at this moment, is not there.
        elif entry.is_file() and (stamp := stamp_of(entry.path)) is not None:
            self.files[path] = stamp

    def _with_rules_of(self, place: str, rules: IgnoreRules) -> IgnoreRules:
        path = self._folder / place / FILE_NAME
        try:
            return rules.and_those_of(path.read_text("utf-8"), folder=place)
        except FileNotFoundError:
            return rules
        except SettingsError as error:
            self._fail(f"{place}/{FILE_NAME}" if place else FILE_NAME, str(error))
        except (OSError, UnicodeDecodeError) as error:
            self._fail(f"{place}/{FILE_NAME}" if place else FILE_NAME, f"cannot be read: {error}")
        return rules

    def _fail(self, place: str, message: str) -> None:
        fileloc = str(self._folder / place)
        self.failures.append(FailedFile(fileloc=fileloc, message=f"{fileloc}: {message}"))
