"""Dags that start each other without end, because each updates what another one waits for.

What counts is what would happen if every task succeeded, and nothing came from outside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import attrs

from flowcore.domain.asset_conditions import is_met
from flowcore.domain.assets import Asset, AssetAlias, AssetKey, AssetRef
from flowcore.domain.dag_assets import DagAssets

Outlet = Asset | AssetAlias | AssetRef


@attrs.frozen
class _Update:
    """An outlet as if its task had succeeded."""

    key: AssetKey
    aliases: frozenset[str] = frozenset()


def asset_cycle(dag_id: str, dags: Collection[DagAssets]) -> tuple[str, ...]:
    """The Dags, in the order in which they start, by which a run of `dag_id` leads to its next run.

    It is among them, last. Empty: it does not lead to one.
    """
    involved = {dag.dag_id: dag for dag in dags if dag.condition is not None and dag.outlets}
    cycle = _followers(dag_id, involved.values())
    for bystander in cycle[:-1]:
        # Left out are those that are not needed for it.
        without = [dag for dag in involved.values() if dag.dag_id != bystander]
        if shorter := _followers(dag_id, without):
            cycle = shorter
            del involved[bystander]
    return cycle


def _followers(first: str, dags: Collection[DagAssets]) -> tuple[str, ...]:
    """Which Dags start once `first` has run, up to `first` itself; empty if it does not start again."""
    known = {part.key: part for dag in dags for part in _parts(dag) if isinstance(part, Asset)}
    waiting = {dag.dag_id: dag for dag in sorted(dags, key=lambda dag: dag.dag_id)}
    if first not in waiting:
        return ()
    updates = list(_updates(waiting[first].outlets, known.values()))
    started: list[str] = []
    while news := [dag for dag in waiting.values() if dag.condition and is_met(dag.condition, updates)]:
        for dag in news:
            if dag.dag_id == first:
                return (*started, first)
            started.append(waiting.pop(dag.dag_id).dag_id)
            updates += _updates(dag.outlets, known.values())
    return ()


def _parts(dag: DagAssets) -> Iterator[Outlet]:
    if dag.condition is not None:
        yield from dag.condition.parts()
    yield from dag.outlets


def _updates(outlets: Iterable[Outlet], known: Iterable[Asset]) -> Iterator[_Update]:
    for outlet in outlets:
        match outlet:
            case Asset(key=key):
                yield _Update(key)
            case AssetAlias(name=name):
                yield _Update(AssetKey("", ""), frozenset({name}))
            case AssetRef(name=name, uri=uri):
                yield _Update(AssetKey(name or "", uri or ""))
                yield from (_Update(one.key) for one in known if one.name == name or one.uri == uri)


def cycle_complaint(cycle: Sequence[str]) -> str:
    """What is wrong with a cycle, and what to do."""
    if len(cycle) == 1:
        return (
            f"Dag {cycle[0]!r} waits for assets that its own tasks update, so that each run would start the"
            " next one without end; wait for others, or take them out of `outlets`"
        )
    named = ", ".join(map(repr, cycle))
    return (
        f"Dags {named} update what the next of them waits for, so that each run of {cycle[-1]!r} would start"
        " another one without end; let one wait for something else as well, or take an asset out of `outlets`"
    )
