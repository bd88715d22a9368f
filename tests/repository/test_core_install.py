"""What `pip install flowcore` brings stays small: a library is embedded in other people's programs."""

from __future__ import annotations

from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DISTRIBUTIONS_MAX = 15
#: 25 MB as systems count them.
BYTES_MAX = 25 * 2**20


def test_core_install_has_few_distributions():
    names = core_install()
    assert len(names) <= DISTRIBUTIONS_MAX, sorted(names)


def test_core_install_is_small():
    sizes = {name: size_of(distribution(name)) for name in core_install()}
    assert sum(sizes.values()) <= BYTES_MAX, sizes


def core_install() -> set[str]:
    """The names of flowcore and of everything that it requires unconditionally on this platform."""
    found: set[str] = set()
    waiting = [("flowcore", "")]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        found.add(name)
        new = set(requirements_of(distribution(name), extra)) - seen
        seen |= new
        waiting += new
    return found


def requirements_of(dist: Distribution, extra: str):
    for line in dist.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            for wanted in {"", *requirement.extras}:
                yield canonicalize_name(requirement.name), wanted


def size_of(dist: Distribution) -> int:
    if dist.name == "flowcore":  # installed in place: what its wheel will hold is the source
        return sum(
            path.stat().st_size for path in Path("src").rglob("*") if path.suffix != ".pyc" and path.is_file()
        )
    paths = [Path(str(file.locate())) for file in dist.files or []]
    return sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.is_file())
