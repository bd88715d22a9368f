from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from flowcore.scheduler.decisions.candidates import Candidate, in_turn
from tests.support.candidates import candidate


def order(
    candidates: Sequence[Candidate],
    held: Mapping[tuple[str, str], int] | None = None,
    served: Mapping[tuple[str, str], int] | None = None,
) -> list[int]:
    return [each.task_instance_id for each in in_turn(candidates, held or {}, served or {})]


def test_heavier_ones_come_first_then_dag_order() -> None:
    assert order([candidate(1), candidate(3, priority_weight=2), candidate(2)]) == [3, 1, 2]


def test_a_dag_with_a_long_backlog_shares_with_others() -> None:
    backlog = [candidate(n, dag_id="a") for n in range(1, 6)]
    others = [candidate(6, dag_id="b", run=2), candidate(7, dag_id="b", run=2)]
    assert order([*backlog, *others]) == [1, 6, 2, 7, 3, 4, 5]


def test_a_dag_waits_while_it_holds_more_than_others() -> None:
    ready = [candidate(1, dag_id="a"), candidate(2, dag_id="b", run=2), candidate(3, dag_id="b", run=2)]
    assert order(ready, {("p", "a"): 2}) == [2, 3, 1]


def test_what_a_dag_holds_of_one_pool_does_not_count_in_another() -> None:
    ready = [candidate(1, dag_id="a", pool="q"), candidate(2, dag_id="b", run=2)]
    assert order(ready, {("p", "a"): 9}) == [1, 2]


def test_wide_ones_use_up_the_turns_of_their_dag() -> None:
    wide = [candidate(1, dag_id="a", pool_slots=3), candidate(2, dag_id="a")]
    narrow = [candidate(n, dag_id="b", run=2) for n in (3, 4, 5, 6)]
    assert order([*wide, *narrow]) == [1, 3, 4, 5, 2, 6]


def test_of_dags_that_hold_as_much_the_one_comes_first_that_waited_longest_for_its_turn() -> None:
    ready = [candidate(n, dag_id=dag_id, run=n) for n, dag_id in enumerate("abc", 1)]
    assert order(ready, served={("p", "a"): 7, ("p", "c"): 3}) == [2, 3, 1]


CANDIDATES = st.lists(
    st.builds(
        lambda n, dag, weight: candidate(n, dag_id=dag, run=ord(dag), priority_weight=weight),
        st.integers(1, 100),
        st.sampled_from("abc"),
        st.integers(1, 3),
    ),
    unique_by=lambda each: each.task_instance_id,
)
HELD = st.dictionaries(st.tuples(st.just("p"), st.sampled_from("abc")), st.integers(0, 5))


@given(CANDIDATES, HELD, HELD)
def test_priority_and_the_order_within_a_dag_are_always_kept(
    candidates: list[Candidate], held: dict[tuple[str, str], int], served: dict[tuple[str, str], int]
) -> None:
    turns = in_turn(candidates, held, served)
    weights = [each.priority_weight for each in turns]
    assert weights == sorted(weights, reverse=True)
    for dag_id in "abc":
        ranks = [each.rank for each in turns if each.dag_id == dag_id]
        assert ranks == sorted(ranks)
