"""Plug-ins written for Airflow: classes with lists of what they bring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

from flowcore.errors import DagError
from flowcore.plug_ins.kinds import Kind, PlugIn, Problem, path_of

#: The group of entry points.
GROUP = "airflow.plugins"

_NO_WEB = "flowcore serves no pages, so it is not used"
#: What is accepted and has no effect, with the reason.
_UNUSED = {
    **dict.fromkeys(["operator_extra_links", "global_operator_extra_links"], _NO_WEB),
    **dict.fromkeys(["external_views", "react_apps", "admin_views", "menu_links"], _NO_WEB),
    **dict.fromkeys(["appbuilder_views", "appbuilder_menu_items", "flask_blueprints"], _NO_WEB),
    **dict.fromkeys(["fastapi_apps", "fastapi_root_middlewares"], _NO_WEB),
    **dict.fromkeys(
        ["partition_mappers", "windows", "deadline_references", "hook_lineage_readers"],
        "flowcore does not have these",
    ),
}
#: Kinds whose members stand under the paths of their classes.
_BY_PATH = (Kind.TIMETABLE, Kind.WEIGHT_STRATEGY, Kind.LISTENER)


class AirflowPluginException(DagError):
    """A plug-in cannot be used as written."""


class AirflowPlugin:
    """What a plug-in written for Airflow inherits from; `name` has to be set."""

    name: str | None = None
    timetables: ClassVar[Sequence[Any]] = ()
    priority_weight_strategies: ClassVar[Sequence[Any]] = ()
    macros: ClassVar[Sequence[Any]] = ()
    listeners: ClassVar[Sequence[Any]] = ()

    @classmethod
    def validate(cls) -> None:
        """Refuse what has no name."""
        if not cls.name:
            raise AirflowPluginException(f"the plug-in {cls.__name__} has no name; set `name` in its class")

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Called once in each process that loads the plug-in."""


def is_airflow_plugin(value: Any) -> bool:
    """Whether it is a class of that kind; where Airflow is installed, one of its own, too."""
    if not isinstance(value, type) or value.__name__ == "AirflowPlugin":
        return False
    return any(base.__name__ == "AirflowPlugin" for base in value.__mro__)


def brought_by(plugin: Any, origin: str) -> Iterator[PlugIn | Problem]:
    """What a plug-in class brings, after its `on_load`.

    Raises:
        AirflowPluginException: It has no name.
        Exception: What its own code raises.
    """
    plugin.validate()
    plugin.on_load()
    for kind in _BY_PATH:
        for thing in getattr(plugin, kind, ()):
            path = path_of(thing)
            yield PlugIn(kind, path.replace(":", "."), path, origin, partial(_itself, thing))
    if macros := getattr(plugin, "macros", ()):
        named = SimpleNamespace(**{macro.__name__: macro for macro in macros})
        yield PlugIn(Kind.MACROS, plugin.name, path_of(plugin), origin, partial(_itself, named))
    for attribute, reason in _UNUSED.items():
        if getattr(plugin, attribute, ()):
            yield Problem(f"{plugin.name}.{attribute}", origin, reason)


def _itself(thing: Any) -> Any:
    return thing
