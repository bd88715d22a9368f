"""Hypothesis draws outlines: every way of the SDK to structure a Dag, in each other."""

from __future__ import annotations

from itertools import count

import attrs
from hypothesis import strategies as st

from flowcore.domain.trigger_rules import TriggerRule
from tests.properties.outline_meanings import edges
from tests.properties.outlines import Body, Group, Join, Outline, Over, Scope, Step, tasks_in

HOWS = (">>", "<<", "label", "chain", "chain_linear", "cross_downstream")
_RULES = (TriggerRule.ALL_DONE, TriggerRule.ONE_SUCCESS, TriggerRule.NONE_FAILED)


@attrs.frozen
class Place:
    """Where a block stands: the steps that are seen from there, and whether a group around it is mapped."""

    names: count[int]
    steps: tuple[str, ...] = ()
    is_mapped: bool = False
    depth: int = 0


@st.composite
def outlines(draw: st.DrawFn) -> Outline:
    """A file of some tasks, with rules where the SDK lets an author choose."""
    body, _, _ = draw(_bodies(Place(count())))
    written = [*tasks_in(body)]
    setups = {task.name for task in written if task.setup_of}
    bound = {after for before, after in edges(body) if before in setups}
    free = [task.name for task in written if task.step and task.name not in bound]
    ruled = draw(st.lists(st.sampled_from(free), unique=True, max_size=2)) if free else []
    return Outline(body, {name: draw(st.sampled_from(_RULES)) for name in ruled})


@st.composite
def _bodies(draw: st.DrawFn, place: Place) -> tuple[Body, tuple[str, ...], tuple[str, ...]]:
    """A block; what can be joined in it, in an order; and the steps that others in it see."""
    parts, nodes, steps = [], [], [*place.steps]
    for _ in range(draw(st.integers(1 if place.depth == 0 else 0, 3))):
        inside = attrs.evolve(place, steps=tuple(steps), depth=place.depth + 1)
        kind = draw(st.sampled_from(["step", "step", "group", "scope"] if place.depth < 3 else ["step"]))
        match kind:
            case "step":
                part = draw(_steps(inside))
                nodes.append(part.name)
                steps.append(part.name)
            case "group":
                part = draw(_groups(inside))
                nodes.append(part.name)
            case "scope":
                part, more_nodes, steps = draw(_scopes(inside))
                nodes += more_nodes
        parts.append(part)
    joins = [draw(_joins(nodes)) for _ in range(draw(st.integers(0, 2))) if len(nodes) > 1]
    return Body(tuple(parts), tuple(joins)), tuple(nodes), tuple(steps)


@st.composite
def _steps(draw: st.DrawFn, place: Place) -> Step:
    name = f"t{next(place.names)}"
    if draw(st.sampled_from([False, False, True])):
        return Step(name, is_operator=True)
    takes = draw(st.lists(st.sampled_from(place.steps), unique=True, max_size=2)) if place.steps else ()
    return Step(name, tuple(takes), draw(_overs(place)))


@st.composite
def _groups(draw: st.DrawFn, place: Place) -> Group:
    name, over = f"g{next(place.names)}", draw(_overs(place))
    inside = attrs.evolve(place, is_mapped=place.is_mapped or over is not None)
    body, _, _ = draw(_bodies(inside))
    return Group(name, body, draw(st.booleans()), draw(st.booleans()), over)


@st.composite
def _scopes(draw: st.DrawFn, place: Place) -> tuple[Scope, tuple[str, ...], list[str]]:
    number = next(place.names)
    setups, teardowns = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 0), (0, 1)]))
    body, nodes, steps = draw(_bodies(place))
    scope = Scope(
        tuple(f"s{number}_{n}" for n in range(setups)),
        tuple(f"d{number}" for _ in range(teardowns)),
        body,
        fails_run=bool(teardowns) and draw(st.booleans()),
    )
    is_decorated = setups < 2 and not scope.fails_run and draw(st.booleans())
    return attrs.evolve(scope, is_decorated=is_decorated), nodes, [*steps]


@st.composite
def _overs(draw: st.DrawFn, place: Place) -> Over:
    if place.is_mapped or not draw(st.sampled_from([False, False, True])):
        return None
    return draw(st.integers(0, 2) | st.sampled_from(place.steps) if place.steps else st.integers(0, 2))


@st.composite
def _joins(draw: st.DrawFn, nodes: list[str]) -> Join:
    """Some nodes, and some that come later; as many on each side as the way of joining can have."""
    how = draw(st.sampled_from(HOWS))
    cut = draw(st.integers(1, len(nodes) - 1))
    before = draw(st.lists(st.sampled_from(nodes[:cut]), min_size=1, max_size=2, unique=True))
    after = draw(st.lists(st.sampled_from(nodes[cut:]), min_size=1, max_size=2, unique=True))
    if how == "label":
        before, after = before[:1], after[:1]
    elif how in (">>", "<<"):
        after = after[:1] if len(before) > 1 else after
    return Join(how, tuple(before), tuple(after))
