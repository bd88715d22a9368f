from __future__ import annotations

import json
from datetime import UTC

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.dags import Dag, Group, Task
from flowcore.domain.retries import RetryRule
from flowcore.domain.serialization import content_hash, dump_dag, load_dag
from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.errors import DagError

# `...` asks Hypothesis to infer a field from its type, which must not be a string for that.
attrs.resolve_types(Dag)
attrs.resolve_types(Group)
attrs.resolve_types(Task)

seconds = st.floats(0, 1e6)
times = st.datetimes(timezones=st.just(UTC))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(st.text(max_size=5), json_values, max_size=3)
retry_rules = st.builds(RetryRule, seconds, seconds, st.none() | seconds)


def filled(cls, **given):
    """Values of which every field varies, also one that is added later."""
    inferred = {field.name: ... for field in attrs.fields(cls) if field.name not in given}
    return st.builds(cls, **inferred, **given)


@st.composite
def dags(draw):
    size = draw(st.integers(0, 4))
    edges = draw(
        st.sets(st.sampled_from([(a, b) for a in range(size) for b in range(size) if a != b] or [()]))
    )
    mappings = draw(st.lists(lengths(size), max_size=2))
    tasks = (draw(tasks_at(position, size, edges - {()}, len(mappings))) for position in range(size))
    return draw(
        filled(
            Dag,
            tasks=st.just(tuple(tasks)),
            mappings=st.just(tuple(mappings)),
            timetable=objects,
            start_date=st.none() | times,
            end_date=st.none() | times,
            dagrun_timeout_s=st.none() | seconds,
            params=objects,
            owner_links=objects,
            edge_labels=objects,
            groups=st.lists(filled(Group), max_size=2).map(tuple),
            tags=st.lists(st.text(max_size=3), max_size=2).map(tuple),
        )
    )


def lengths(size):
    literals = st.builds(Length, st.just(LengthKind.LITERAL), st.integers(0, 3))
    outputs = st.builds(Length, st.just(LengthKind.OUTPUT), source=st.integers(0, size - 1))
    return st.recursive(
        literals | outputs if size else literals,
        lambda parts: st.builds(
            Length, st.sampled_from(LengthKind), parts=st.lists(parts, max_size=2).map(tuple)
        ).filter(lambda length: length.kind is not LengthKind.OUTPUT),
        max_leaves=3,
    )


def tasks_at(position, size, edges, mappings):
    return filled(
        Task,
        position=st.just(position),
        mapping=st.none() | st.integers(0, mappings - 1) if mappings else st.none(),
        upstream=st.just(tuple(sorted(a for a, b in edges if b == position))),
        downstream=st.just(tuple(sorted(b for a, b in edges if a == position))),
        trigger_rule=st.sampled_from(TriggerRule),
        retry_rule=retry_rules,
        execution_timeout_s=st.none() | seconds,
        docs=objects,
        inlets=st.lists(objects, max_size=2).map(tuple),
        outlets=st.lists(objects, max_size=2).map(tuple),
    )


CHAIN = Dag(
    dag_id="chain",
    tasks=(
        Task(task_id="a", position=0, downstream=(1,)),
        Task(task_id="b", position=1, upstream=(0,), retries=2),
    ),
)


@given(dags())
def test_dag_comes_back_from_json_as_it_was(dag):
    assert load_dag(json.loads(json.dumps(dump_dag(dag)))) == dag


def test_document_holds_only_what_differs_from_the_defaults():
    assert dump_dag(CHAIN) == {
        "version": 1,
        "dag": {
            "dag_id": "chain",
            "tasks": [{"task_id": "a"}, {"task_id": "b", "upstream": [0], "retries": 2}],
        },
    }


@pytest.mark.parametrize(
    "document", [{}, {"version": 0}, {"version": 2, "dag": {}}, {"version": "1"}], ids=str
)
def test_other_version_is_refused_with_the_way_out(document):
    with pytest.raises(DagError, match="register the Dag again with this flowcore, or upgrade flowcore"):
        load_dag(document)


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"dag_id": "d"},
        {"dag_id": 1, "tasks": []},
        {"dag_id": "d", "tasks": {"a": 1}},
        {"dag_id": "d", "tasks": [], "colour": "red"},
        {"dag_id": "d", "tasks": [{}]},
        {"dag_id": "d", "tasks": [{"task_id": "a", "trigger_rule": "sometimes"}]},
        {"dag_id": "d", "tasks": [{"task_id": "a", "upstream": [1]}]},
        {"dag_id": "d", "tasks": [{"task_id": "a", "upstream": [-1]}]},
        {"dag_id": "d", "tasks": [{"task_id": "a", "position": 3}]},
        {"dag_id": "d", "tasks": [{"task_id": "a", "retry_rule": {"delay_s": -1}}]},
    ],
    ids=str,
)
def test_malformed_document_is_refused(body):
    with pytest.raises(DagError):
        load_dag({"version": 1, "dag": body})


def test_hash_does_not_depend_on_the_order_of_keys():
    assert content_hash({"a": 1, "b": {"c": 2, "d": 3}}) == content_hash({"b": {"d": 3, "c": 2}, "a": 1})


@given(dags())
def test_hash_survives_a_round_trip(dag):
    document = dump_dag(dag)
    assert content_hash(dump_dag(load_dag(document))) == content_hash(document)


def test_hash_tells_dags_apart():
    other = attrs.evolve(CHAIN, catchup=True)
    assert content_hash(dump_dag(other)) != content_hash(dump_dag(CHAIN))
