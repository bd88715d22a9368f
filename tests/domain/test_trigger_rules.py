"""Trigger rules: Airflow's table for two upstreams, and the definition of an early verdict.

Letters: S success, F failed, K skipped, U upstream_failed, R removed, `.` not done. A cell says what
becomes of the task: `r` run, K or U (the state it gets), `-` wait, `x` never.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.trigger_rules import (
    TriggerRule,
    UpstreamCounts,
    Verdict,
    decide,
    final_verdict,
    tightened,
)

# The one cell in which we differ is marked `*`: Airflow skips at once, although it would have written
# upstream_failed if the open upstream had failed first. We wait until that one has ended, too.
AIRFLOW_TABLE = """
                            SS SF SK SU SR S. FF FK FU FR F. KK KU KR K. UU UR U. RR R. ..
all_success                 r  U  K  U  r  -  U  U  U  U  U  K  U  K  -* U  U  U  r  -  -
all_failed                  K  K  K  K  K  K  r  K  r  r  -  K  K  K  K  r  r  -  r  -  -
all_done                    r  r  r  r  r  -  r  r  r  r  -  r  r  r  -  r  r  -  r  -  -
one_success                 r  r  r  r  r  r  U  U  U  U  -  K  U  U  -  U  U  -  U  -  -
one_failed                  K  r  K  r  K  -  r  r  r  r  r  K  r  K  -  r  r  r  K  -  -
one_done                    r  r  r  r  r  r  r  r  r  r  r  K  K  K  -  K  K  -  K  -  -
none_failed                 r  U  r  U  r  -  U  U  U  U  U  r  U  r  -  U  U  U  r  -  -
none_failed_min_one_success r  U  r  U  r  -  U  U  U  U  U  K  U  U  -  U  U  U  U  -  -
none_skipped                r  r  K  r  r  -  r  K  r  r  -  K  K  K  K  r  r  -  r  -  -
all_skipped                 K  K  K  K  K  K  K  K  K  K  K  r  K  x  -  K  K  K  x  -  -
all_done_min_one_success    r  r  K  r  r  -  U  K  U  U  -  K  K  K  K  U  U  -  U  -  -
always                      r  r  r  r  r  r  r  r  r  r  r  r  r  r  r  r  r  r  r  r  r
"""

VERDICTS = {
    "r": Verdict.RUN,
    "K": Verdict.SKIP,
    "U": Verdict.UPSTREAM_FAIL,
    "-": Verdict.WAIT,
    "x": Verdict.NEVER,
}
ENDS = "SFKUR"
# These ask for the end of their upstreams as such: that they will run is no reason to run early.
PATIENT = {TriggerRule.ALL_DONE, TriggerRule.ALL_DONE_SETUP_SUCCESS}


def rows_of_table():
    ups, *rows = (line.split() for line in AIRFLOW_TABLE.strip().splitlines())
    for rule, *cells in rows:
        for up, cell in zip(ups, cells, strict=True):
            yield pytest.param(TriggerRule(rule), up, VERDICTS[cell.rstrip("*")], id=f"{rule}-{up}")


def counts_of(states):
    of = Counter(states)
    return UpstreamCounts(
        total=len(states),
        success=of["S"],
        failed=of["F"],
        skipped=of["K"],
        upstream_failed=of["U"],
        removed=of["R"],
    )


def completions(states):
    """Every way in which the upstreams that are not done may end."""
    for ends in combinations_with_replacement(ENDS, states.count(".")):
        yield states.replace(".", "") + "".join(ends)


def quantified(rule, states, *, map_index):
    """The definition: the verdict that all completions share, if they do."""
    finals = {final_verdict(rule, counts_of(end), map_index=map_index) for end in completions(states)}
    is_patient = rule in PATIENT and finals == {Verdict.RUN} and "." in states
    return finals.pop() if len(finals) == 1 and not is_patient else Verdict.WAIT


@pytest.mark.parametrize(("rule", "up", "expected"), [*rows_of_table()])
def test_two_upstreams(rule, up, expected):
    assert decide(rule, counts_of(up)) is expected


@pytest.mark.parametrize("rule", TriggerRule)
@pytest.mark.parametrize("map_index", [-1, 0, 1, 2])
def test_verdict_is_early_exactly_when_no_open_upstream_can_change_it(rule, map_index):
    for total in range(5):
        for states in map("".join, combinations_with_replacement(ENDS + ".", total)):
            verdict = decide(rule, counts_of(states), map_index=map_index)
            assert verdict is quantified(rule, states, map_index=map_index), states


@given(rule=st.sampled_from(TriggerRule), states=st.text(ENDS, max_size=8), data=st.data())
def test_verdict_does_not_depend_on_the_order_of_ends(rule, states, data):
    order = data.draw(st.permutations(range(len(states))))
    verdicts = set()
    for done in range(len(states) + 1):
        ended = {position: states[position] for position in order[:done]}
        seen = "".join(ended.get(position, ".") for position in range(len(states)))
        verdicts.add(decide(rule, counts_of(seen)))
    assert verdicts - {Verdict.WAIT} == {final_verdict(rule, counts_of(states))}


@pytest.mark.parametrize("rule", TriggerRule)
def test_task_without_upstreams_runs(rule):
    assert decide(rule, UpstreamCounts(total=0)) is Verdict.RUN


@pytest.mark.parametrize(
    ("rule", "up", "expected"),
    [
        ("one_success", "SKKFFFUU", Verdict.RUN),
        ("one_success", "KFRU", Verdict.UPSTREAM_FAIL),
        ("one_success", "KK", Verdict.SKIP),
        ("one_done", "KK", Verdict.SKIP),
        ("one_done", "UU", Verdict.SKIP),
        ("none_failed", "SK", Verdict.RUN),
        ("none_failed", "SKU", Verdict.UPSTREAM_FAIL),
        ("none_failed_min_one_success", "KK", Verdict.SKIP),
        ("all_failed", "FFFRR", Verdict.RUN),
        ("none_failed", "SSSRR", Verdict.RUN),
        ("none_failed_min_one_success", "SSSRR", Verdict.RUN),
    ],
)
def test_more_upstreams(rule, up, expected):
    assert decide(TriggerRule(rule), counts_of(up)) is expected


@pytest.mark.parametrize(
    ("map_index", "expected"), [(-1, Verdict.RUN), (2, Verdict.RUN), (3, Verdict.REMOVE), (4, Verdict.REMOVE)]
)
def test_mapped_instance_without_counterpart_is_removed(map_index, expected):
    assert decide(TriggerRule.ALL_SUCCESS, counts_of("SSSRR"), map_index=map_index) is expected


@pytest.mark.parametrize(
    ("works", "setups", "expected"),
    [
        ("SS", "", Verdict.RUN),
        ("SS", ".", Verdict.WAIT),
        ("SS", "F", Verdict.UPSTREAM_FAIL),
        ("SS", "U", Verdict.UPSTREAM_FAIL),
        ("SS", "SF", Verdict.RUN),
        ("SS", "S.", Verdict.WAIT),
        ("SS", "FK", Verdict.UPSTREAM_FAIL),
        ("SS", "KK", Verdict.SKIP),
        ("SF", "S", Verdict.RUN),
        ("SS", "K", Verdict.SKIP),
        ("S.", "S", Verdict.WAIT),
        ("S.", "", Verdict.WAIT),
        # No end of the work can make the setups succeed.
        ("S.", "F", Verdict.UPSTREAM_FAIL),
    ],
)
def test_teardown_runs_after_everything_if_a_setup_succeeded(works, setups, expected):
    counts = counts_of(works + setups)
    verdict = decide(TriggerRule.ALL_DONE_SETUP_SUCCESS, counts, setups=counts_of(setups))
    assert verdict is expected


def test_verdict_of_a_teardown_is_early_exactly_when_no_open_upstream_can_change_it():
    states = ["".join(s) for total in range(3) for s in combinations_with_replacement(ENDS + ".", total)]
    rule = TriggerRule.ALL_DONE_SETUP_SUCCESS
    for works, setups in product(states, states):
        ends = product(completions(works), completions(setups))
        finals = {final_verdict(rule, counts_of(w + s), setups=counts_of(s)) for w, s in ends}
        runs_early = finals == {Verdict.RUN} and "." in works + setups
        expected = finals.pop() if len(finals) == 1 and not runs_early else Verdict.WAIT
        assert decide(rule, counts_of(works + setups), setups=counts_of(setups)) is expected


@pytest.mark.parametrize(
    ("own", "setups", "expected"),
    [
        (Verdict.RUN, "", Verdict.RUN),
        (Verdict.RUN, "SS", Verdict.RUN),
        (Verdict.RUN, "S.", Verdict.WAIT),
        (Verdict.RUN, ".F", Verdict.UPSTREAM_FAIL),
        (Verdict.RUN, "SK", Verdict.SKIP),
        # Airflow skips at once; then the order of ends would decide between skipped and failed.
        (Verdict.RUN, ".K", Verdict.WAIT),
        (Verdict.WAIT, "K", Verdict.WAIT),
        (Verdict.WAIT, "F", Verdict.UPSTREAM_FAIL),
        (Verdict.SKIP, "F", Verdict.UPSTREAM_FAIL),
        (Verdict.UPSTREAM_FAIL, ".", Verdict.UPSTREAM_FAIL),
        (Verdict.NEVER, "S", Verdict.NEVER),
        (Verdict.REMOVE, "K", Verdict.SKIP),
    ],
)
def test_indirect_setups_must_have_succeeded(own, setups, expected):
    assert tightened(own, counts_of(setups)) is expected
