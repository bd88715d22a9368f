"""Makes the modules of Airflow importable, as faces of ours.

The finder stands at the end of `sys.meta_path`: where Apache Airflow itself is installed, its modules are
found first and ours are never asked for. A module of ours is empty and gets each name when it is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from operator import attrgetter
from types import ModuleType
from typing import Any

from flowcore.compat.airflow_names import MODULES, NAMES, PACKAGES, WHOLE_SDK
from flowcore.compat.airflow_targets import SDK
from flowcore.errors import DagError

ROOT = "airflow"


class NotAvailable(DagError, ModuleNotFoundError):
    """A Dag file imports what flowcore does not have of Airflow."""

    def __init__(self, name: str) -> None:
        package = ".".join(name.split(".")[:3])
        provider = name.startswith("airflow.providers.") and package != "airflow.providers.standard"
        remedy = (
            "call the service from a task of your own, through its client library and a connection"
            if provider
            else "`docs/how-to/move-from-airflow.md` says what to write instead"
        )
        super().__init__(f"flowcore does not have {name}; {remedy}")
        # `name` is what ImportError calls the module.
        self.name = name


def make_airflow_importable() -> None:
    """From now on, `import airflow` finds our modules in this process unless Airflow is installed."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def find_name(module: str, name: str) -> Any:
    """What `from module import name` gives a Dag file.

    Raises:
        NotAvailable: we have no such name there.
    """
    target = NAMES.get(module, {}).get(name)
    if target is None and module in WHOLE_SDK:
        target = f"{SDK}:{name}"
    if target is None:
        raise NotAvailable(f"{module}.{name}")
    source, _, attribute = target.partition(":")
    try:
        module_found = import_module(source)
        return attrgetter(attribute)(module_found) if attribute else module_found
    except AttributeError:
        raise NotAvailable(f"{module}.{name}") from None


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != ROOT or not (fullname == ROOT or _root_is_ours()):
            return None
        if fullname not in MODULES:
            raise NotAvailable(fullname)
        return ModuleSpec(fullname, _Loader(), is_package=fullname in PACKAGES)


class _Loader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _AirflowModule(spec.name, "A module of Airflow, as flowcore has it.")

    def exec_module(self, module: ModuleType) -> None:
        """Leave it empty: names come when they are asked for."""


class _AirflowModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return list(self._names())
        # Whoever looks at modules asks for `__file__` and the like, and wants to hear AttributeError.
        if name.startswith("__") and name not in NAMES.get(self.__name__, {}):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if f"{self.__name__}.{name}" in MODULES:
            return import_module(f"{self.__name__}.{name}")
        value = find_name(self.__name__, name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._names()})

    def _names(self) -> Iterable[str]:
        return import_module(SDK).__all__ if self.__name__ in WHOLE_SDK else NAMES.get(self.__name__, {})


def _root_is_ours() -> bool:
    return isinstance(sys.modules.get(ROOT), _AirflowModule)
