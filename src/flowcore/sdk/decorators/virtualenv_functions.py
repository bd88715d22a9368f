"""What `@task.virtualenv` makes of a function: it is called in a virtual environment made for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowcore.errors import DagError
from flowcore.sdk.decorators.external_functions import CallsElsewhere
from flowcore.sdk.subprocesses.command_steps import Steps
from flowcore.sdk.subprocesses.virtualenvs import Virtualenv, kept, made

if TYPE_CHECKING:
    from flowcore.sdk.context import Context


class VirtualenvFunctionOperator(CallsElsewhere):
    """Makes a virtual environment, and calls a function in it.

    Args:
        task_id: See `BaseOperator`.
        requirements: What is installed: a list, the text of a requirements file, or the name of a template
            file that ends in `.txt`. The serializer is added if it is no part of Python.
        python_version: Such as "3.12"; by default the version that runs the task.
        system_site_packages: Whether packages of the Python that it is made of can be imported.
        pip_install_options: Further options of `pip install` (or `uv pip install`).
        index_urls: Where packages come from; an empty list forbids every index.
        venv_cache_path: A folder where the environment is kept for other tries that want the same one; by
            default it is deleted after the call.
        arguments: See `CallsElsewhere`.

    Raises:
        DagError: `python_version` is none; see also `CallsElsewhere`.
    """

    operator_name = "@task.virtualenv"
    template_fields: Sequence[str] = (
        *CallsElsewhere.template_fields,
        *("requirements", "python_version", "index_urls", "venv_cache_path"),
    )
    template_ext: Sequence[str] = (".txt",)

    def __init__(
        self,
        task_id: str,
        *,
        requirements: Iterable[str] | str | None = None,
        python_version: str | None = None,
        system_site_packages: bool = True,
        pip_install_options: Iterable[str] | None = None,
        index_urls: Iterable[str] | str | None = None,
        venv_cache_path: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        self.requirements = requirements if isinstance(requirements, str) else list(requirements or ())
        self.python_version, self.system_site_packages = python_version, system_site_packages
        self.pip_install_options = tuple(pip_install_options or ())
        self.index_urls = [index_urls] if isinstance(index_urls, str) else index_urls
        self.venv_cache_path = venv_cache_path
        if python_version is not None and not re.match(r"\d|\{", str(python_version)):
            raise DagError(
                f"task {self.task_id!r} has python_version={python_version!r}; give one like '3.12'"
            )

    @property
    def virtualenv(self) -> Virtualenv:
        """The environment that it wants."""
        return Virtualenv(
            requirements=(*self._requirements(), *self._of_the_serializer()),
            python_version=self.python_version and str(self.python_version),
            system_site_packages=self.system_site_packages,
            options=self.pip_install_options,
            index_urls=None if self.index_urls is None else tuple(self.index_urls),
        )

    def _steps(self, context: Context, folder: Path) -> Steps[Any]:
        if self.venv_cache_path is None:
            python = yield from made(self.virtualenv, folder / "venv")
        else:
            python = yield from kept(self.virtualenv, Path(self.venv_cache_path))
        return (yield from self._called_by(python, context, folder))

    def _requirements(self) -> Iterable[str]:
        given = self.requirements.splitlines() if isinstance(self.requirements, str) else self.requirements
        lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in given)
        return [line for line in lines if line]

    def _of_the_serializer(self) -> Iterable[str]:
        return () if self.serializer == "pickle" else (self.serializer,)
