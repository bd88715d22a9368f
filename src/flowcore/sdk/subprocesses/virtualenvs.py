"""Virtual environments: which commands make one, and a folder where they are kept for others.

`uv` makes them where it is installed, else `venv` and `pip`. One that is kept is called by what is in it, so
that a change makes another; who makes it holds a lock, which falls with its process.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import attrs

from flowcore.sdk.exceptions import AirflowException
from flowcore.sdk.subprocesses.command_steps import Steps
from flowcore.sdk.subprocesses.commands import Command, Finished

#: Written when everything is installed.
_COMPLETE = "flowcore-complete"
#: How often one looks whether another process has finished the same environment.
_LOOK_AGAIN_S = 0.25
_QUIET = "--disable-pip-version-check"


@attrs.frozen(kw_only=True)
class Virtualenv:
    """What is in an environment.

    Without a `python_version` ("3.12") it has the Python that runs now. `index_urls` None is what pip is
    configured for, an empty one forbids every index. `options` are for `pip install`.
    """

    requirements: tuple[str, ...] = ()
    python_version: str | None = None
    system_site_packages: bool = True
    options: tuple[str, ...] = ()
    index_urls: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """A name that says everything."""
        content = json.dumps([attrs.asdict(self), sys.executable, sys.version])
        return f"venv-{hashlib.sha256(content.encode()).hexdigest()[:16]}"

    def commands(self, folder: Path, *, uv: str | None, has_pip: bool) -> Sequence[Command]:
        """What makes it in `folder`: with the `uv` at that path if there is one, else with our own pip."""
        env = {**os.environ, **self._index_variables()}
        # Copying pip into an environment takes most of the time, so ours is used where it can be.
        lends_pip = has_pip and self.python_version is None
        copies_pip = bool(self.requirements) and not lends_pip
        commands = [self._made_by_uv(folder, uv) if uv else self._made_by_venv(folder, with_pip=copies_pip)]
        if self.requirements:
            python = str(python_of(folder))
            if uv:
                installer = [uv, "pip", "install", "--python", python]
            elif lends_pip:
                installer = [sys.executable, "-m", "pip", "--python", python, _QUIET, "install"]
            else:
                installer = [python, "-m", "pip", _QUIET, "install"]
            commands.append([*installer, *self.options, *self.requirements])
        return [Command(argv, env, cwd=os.getcwd()) for argv in commands]

    def _made_by_uv(self, folder: Path, uv: str) -> list[str]:
        site = ["--system-site-packages"] if self.system_site_packages else []
        python = self.python_version or sys.executable
        return [uv, "venv", "--allow-existing", "--python", python, *site, str(folder)]

    def _made_by_venv(self, folder: Path, *, with_pip: bool) -> list[str]:
        python = f"python{self.python_version}" if self.python_version else sys.executable
        site = ["--system-site-packages"] if self.system_site_packages else []
        pip = [] if with_pip else ["--without-pip"]
        return [python, "-m", "venv", *site, *pip, str(folder)]

    def _index_variables(self) -> Mapping[str, str]:
        if self.index_urls is None:
            return {}
        if not self.index_urls:
            return {"PIP_NO_INDEX": "1", "UV_NO_INDEX": "1"}
        first, *others = self.index_urls
        more = " ".join(others)
        return {
            "PIP_INDEX_URL": first,
            "UV_DEFAULT_INDEX": first,
            "PIP_EXTRA_INDEX_URL": more,
            "UV_INDEX": more,
        }


def python_of(folder: Path) -> Path:
    """The Python of an environment."""
    return folder / "bin" / "python"


def made(virtualenv: Virtualenv, folder: Path) -> Steps[str]:
    """Make an environment in a folder; the path of its Python.

    Raises:
        AirflowException: it cannot be made; the log says why.
    """
    for command in virtualenv.commands(folder, uv=shutil.which("uv"), has_pip=find_spec("pip") is not None):
        try:
            finished = yield command
        except OSError as error:
            raise AirflowException(
                f"{command.argv[0]!r} cannot be started: {error}; install it, or leave python_version out"
            ) from error
        _require(finished, command)
    return str(python_of(folder))


def kept(virtualenv: Virtualenv, cache: Path) -> Steps[str]:
    """The Python of an environment that is kept in `cache`, and is made there if it is not there yet.

    Raises:
        AirflowException: it cannot be made.
    """
    folder = cache / virtualenv.name
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{virtualenv.name}.lock").open("w") as file:
        while not _is_locked(file):
            yield _LOOK_AGAIN_S
        # Closing the file, or the end of the process, lets go of the lock.
        if not (folder / _COMPLETE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            yield from made(virtualenv, folder)
            (folder / _COMPLETE).touch()
    return str(python_of(folder))


def _is_locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _require(finished: Finished | None, command: Command) -> None:
    if finished is not None and finished.exit_status != 0:
        program = " ".join(command.argv[:4])
        raise AirflowException(
            f"the virtual environment cannot be made: `{program} ...` ended with exit status"
            f" {finished.exit_status} ({finished.last_line}); the log says why"
        )
