from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.priority_weights import WeightRule, effective_weights

DOWNSTREAM, UPSTREAM, ABSOLUTE = WeightRule.DOWNSTREAM, WeightRule.UPSTREAM, WeightRule.ABSOLUTE
CHAIN = [(0, 1), (1, 2)]
DIAMOND = [(0, 1), (0, 2), (1, 3), (2, 3)]


def weigh(weights, edges, rules):
    """The effective weights with edges as pairs; one rule may stand for all tasks."""
    of_each = [rules] * len(weights) if isinstance(rules, WeightRule) else rules
    positions = range(len(weights))
    return effective_weights(
        weights,
        of_each,
        upstream=[[a for a, b in edges if b == position] for position in positions],
        downstream=[[b for a, b in edges if a == position] for position in positions],
    )


def reachable(start, edges):
    found = {start}
    while more := {b for a, b in edges if a in found} - found:
        found |= more
    return found


@st.composite
def weighted_dags(draw):
    weights = draw(st.lists(st.integers(-(2**33), 2**33), min_size=1, max_size=8))
    pairs = [(a, b) for b in range(len(weights)) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return weights, edges


@pytest.mark.parametrize(
    ("weights", "edges", "rule", "expected"),
    [
        ((1, 1, 1), CHAIN, DOWNSTREAM, (3, 2, 1)),
        ((1, 1, 1), CHAIN, UPSTREAM, (1, 2, 3)),
        ((1, 1, 1), CHAIN, ABSOLUTE, (1, 1, 1)),
        ((1, 2, 3, 4), DIAMOND, DOWNSTREAM, (10, 6, 7, 4)),
        ((1, 2, 3, 4), DIAMOND, UPSTREAM, (1, 3, 4, 10)),
        ((), (), DOWNSTREAM, ()),
    ],
)
def test_weights_add_up_along_the_rule(weights, edges, rule, expected):
    assert weigh(weights, edges, rule) == expected


def test_each_task_has_a_rule_of_its_own():
    assert weigh((1, 2, 4), CHAIN, [DOWNSTREAM, ABSOLUTE, UPSTREAM]) == (7, 2, 7)


@pytest.mark.parametrize(("weight", "limit"), [(2**31 - 1, 2**31 - 1), (-(2**31), -(2**31))])
def test_sums_stay_within_32_bits(weight, limit):
    assert weigh((weight, weight), [(0, 1)], DOWNSTREAM) == (limit, limit)


@given(weighted_dags())
def test_sum_counts_each_reachable_task_once(weighted_dag):
    weights, edges = weighted_dag
    own = [max(-(2**31), min(weight, 2**31 - 1)) for weight in weights]
    sums = [sum(own[task] for task in reachable(start, edges)) for start in range(len(own))]
    assert weigh(weights, edges, DOWNSTREAM) == tuple(max(-(2**31), min(s, 2**31 - 1)) for s in sums)


def test_ten_thousand_tasks_in_a_row_are_weighed():
    size = 10_000
    upstream = [(position - 1,) if position else () for position in range(size)]
    downstream = [(position + 1,) if position + 1 < size else () for position in range(size)]
    rules = [DOWNSTREAM] * size
    weights = effective_weights(range(size), rules, upstream=upstream, downstream=downstream)
    assert weights[0] == sum(range(size))
