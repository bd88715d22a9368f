"""`.airflowignore`: which files below the Dag folder are not for us. Nothing here reads a file.

Two syntaxes, as in Airflow: `glob`, that of `.gitignore`, and `regexp`, whose patterns may match anywhere in
the path. The rules of a folder come after those of the folders above it, and the last one that matches
counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from flowcore.errors import SettingsError
from flowcore.settings import IgnoreSyntax

FILE_NAME = ".airflowignore"


@attrs.frozen
class IgnoreRules:
    """The rules that hold in a folder; paths are relative to the Dag folder, with `/` in them."""

    syntax: IgnoreSyntax = IgnoreSyntax.GLOB
    _rules: tuple[_Rule, ...] = ()

    def and_those_of(self, text: str, *, folder: str) -> IgnoreRules:
        """The rules below `folder`, whose `.airflowignore` holds `text`.

        Raises:
            SettingsError: a line is no pattern.
        """
        lines = [re.sub(r"\s*#.*", "", line).strip() for line in text.splitlines()]
        rules = (_rule(self.syntax, line, folder) for line in lines if line)
        return attrs.evolve(self, rules=(*self._rules, *filter(None, rules)))

    def ignore(self, path: str, *, is_folder: bool) -> bool:
        """Whether a file, or a folder with all that is in it, is left out; the folder above it is not."""
        subject = f"{path}/" if is_folder else path
        verdicts = [rule.ignores for rule in self._rules if rule.pattern.search(subject)]
        return bool(verdicts) and verdicts[-1]


@attrs.frozen
class _Rule:
    pattern: re.Pattern[str]
    ignores: bool = True


def _rule(syntax: IgnoreSyntax, line: str, folder: str) -> _Rule | None:
    try:
        return _glob_rule(line, folder) if syntax is IgnoreSyntax.GLOB else _Rule(re.compile(line))
    except re.error as error:
        raise SettingsError(
            f"the line {line!r} is no {syntax} pattern ({error}); correct it, or set dag_ignore_file_syntax"
        ) from error


def _glob_rule(line: str, folder: str) -> _Rule | None:
    ignores = not line.startswith("!")
    glob = line if ignores else line[1:]
    if not glob.strip("/"):
        return None
    # A slash in front or in the middle ties a pattern to its folder; else it matches at any depth.
    is_tied = "/" in glob.rstrip("/")
    within = re.escape(f"{folder}/") if folder else ""
    anywhere = "" if is_tied else "(?:.*/)?"
    folders_only = "/" if glob.endswith("/") else "/?"
    body = "".join(_translated(glob.strip("/")))
    return _Rule(re.compile(f"^{within}{anywhere}{body}{folders_only}$", re.DOTALL), ignores)


_TOKEN = re.compile(
    r"(?P<lead>^(?:\*\*/)+)|(?P<mid>/\*\*(?=/))|(?P<tail>/\*\*$)|(?P<any>\*+)|(?P<one>\?)"
    r"|(?P<set>\[[!^]?\]?[^\]]*\])|\\(?P<literal>.)|(?P<other>.)",
    re.DOTALL,
)


def _translated(glob: str) -> Iterator[str]:
    """The parts of the regular expression for a glob without slashes at its ends."""
    for token in _TOKEN.finditer(glob):
        match token.lastgroup:
            case "lead":
                yield "(?:.*/)?"
            case "mid":
                yield "(?:/.*)?"
            case "tail":
                yield "/.+"
            case "any":
                yield "[^/]*"
            case "one":
                yield "[^/]"
            case "set":
                yield _set(token[0])
            case _:
                yield re.escape(token["literal"] or token[0])


def _set(glob: str) -> str:
    inner = glob[1:-1]
    negated = inner[:1] in ("!", "^")
    chars = (inner[1:] if negated else inner).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    # Not even a negated set matches a slash.
    return f"(?!/)[{'^' if negated else ''}{chars}]"
