"""Drawn Dag files mean to the SDK what they plainly say, and their runs end as the interpreter says."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from flowcore.testing import Sometimes
from tests.properties.dag_files import read_dag, source_of
from tests.properties.drawn_outlines import HOWS, outlines
from tests.properties.outline_meanings import dag_of
from tests.properties.outlines import Body, Group, Join, Outline, Scope, Step, bodies_in
from tests.properties.test_decisions import ends_as_interpreted, ends_of

pytestmark = pytest.mark.slow
#: Always the same examples: which rare features are drawn must not be a matter of luck.
SAME = settings(max_examples=100, derandomize=True, database=None)
#: What a plain Dag says of a task; all else is left as it is by default.
SAID = (
    "task_id",
    "position",
    "upstream",
    "downstream",
    "trigger_rule",
    "mapping",
    "is_setup",
    "is_teardown",
    "on_failure_fail_dagrun",
    "group_id",
)
FEATURES = (
    *HOWS,
    "output that is given",
    "mapped over a list",
    "mapped over an output",
    "operator",
    "group in a group",
    "group without prefix",
    "group function",
    "group mapped over a list",
    "group mapped over an output",
    "setup without teardown",
    "teardown without setup",
    "two setups",
    "teardown that counts",
    "decorated setup and teardown",
    "scope in a scope",
    "group in a scope",
    "scope in a group",
    "rule",
)


def check_meaning(outline, read=read_dag):
    """The SDK reads a file as it is plainly meant; the Dag that it makes."""
    plain, dag = dag_of(outline), read(outline)
    for meant, task in zip(plain.tasks, dag.tasks, strict=True):
        assert {name: getattr(task, name) for name in SAID} == {name: getattr(meant, name) for name in SAID}
    assert dag.mappings == plain.mappings
    assert dag.edge_labels == plain.edge_labels
    return dag


def features_of(outline: Outline) -> Iterator[str]:
    """What a file shows, for whoever counts."""
    yield from ("rule" for _ in outline.rules)
    for body in bodies_in(outline.body):
        yield from (join.how for join in body.joins)
        for part in body.parts:
            yield from _features_of(part)


def _features_of(part: Step | Group | Scope) -> Iterator[str]:
    match part:
        case Step():
            told = {"output that is given": part.takes, "operator": part.is_operator, **_over(part, "")}
        case Group():
            inside = {type(inner) for inner in part.body.parts}
            told = {"group function": part.is_function, "group without prefix": not part.prefixes}
            told |= {"group in a group": Group in inside, "scope in a group": Scope in inside}
            told |= _over(part, "group ")
        case Scope():
            inside = {type(inner) for inner in part.body.parts}
            told = {"group in a scope": Group in inside, "scope in a scope": Scope in inside}
            told |= {"setup without teardown": not part.teardowns, "two setups": len(part.setups) > 1}
            told |= {"teardown without setup": not part.setups, "teardown that counts": part.fails_run}
            told |= {"decorated setup and teardown": part.is_decorated and part.setups and part.teardowns}
    yield from (name for name, is_shown in told.items() if is_shown)


def _over(part: Step | Group, what: str) -> dict[str, bool]:
    return {
        f"{what}mapped over a list": isinstance(part.over, int),
        f"{what}mapped over an output": isinstance(part.over, str),
    }


@st.composite
def files_with_ends(draw):
    """An outline and how its tasks end."""
    outline = draw(outlines())
    dag = dag_of(outline)
    return outline, [draw(ends_of(dag, task)) for task in dag.tasks]


def check_file_and_run(outline, ends, seed):
    note(source_of(outline))
    ends_as_interpreted(dag_of(outline), ends, None, seed, decided_on=check_meaning(outline))


def test_dag_files_mean_what_they_say_and_run_so():
    sometimes = Sometimes()

    @SAME
    @given(files_with_ends(), st.integers(0, 2**16))
    def property_holds(drawn, seed):
        check_file_and_run(*drawn, seed)
        for feature in features_of(drawn[0]):
            sometimes.note(True, feature)

    property_holds()
    sometimes.check(*FEATURES)


def without_setups(outline):
    """A planted fault: what is said of setups and teardowns is overlooked."""
    dag = read_dag(outline)
    return attrs.evolve(
        dag, tasks=tuple(attrs.evolve(task, is_setup=False, is_teardown=False) for task in dag.tasks)
    )


def without_joins(outline):
    """A planted fault: nothing in a block is joined."""
    bare = attrs.evolve(outline.body, joins=())
    return read_dag(attrs.evolve(outline, body=bare))


@pytest.mark.parametrize("read", [without_setups, without_joins])
def test_a_file_that_is_read_wrongly_is_noticed(read):
    work = Body((Step("t0"), Step("t1")), (Join("chain", ("t0",), ("t1",)),))
    scoped = Outline(Body((Scope(("s",), ("d",), work), Step("t2")), (Join(">>", ("t1",), ("t2",)),)))
    check_meaning(scoped)
    with pytest.raises(AssertionError):
        check_meaning(scoped, read)


@pytest.mark.soak
def test_many_dag_files_mean_what_they_say_and_run_so():
    @settings(max_examples=1_000, database=None, phases=[Phase.generate])
    @given(files_with_ends(), st.integers(0, 2**16))
    def property_holds(drawn, seed):
        check_file_and_run(*drawn, seed)

    property_holds()
