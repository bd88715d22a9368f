from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowcore.secrets.circuit import Circuit, CircuitState


def opened(at: float = 0.0) -> Circuit:
    circuit = Circuit(failures_max=2, pause_s=30.0)
    for _ in range(2):
        assert circuit.admit(at)
        circuit.fail(at)
    return circuit


def test_it_opens_after_failures_in_a_row() -> None:
    circuit = opened()
    assert circuit.state(29.9) is CircuitState.OPEN
    assert not circuit.admit(29.9)


def test_a_success_in_between_starts_the_count_again() -> None:
    circuit = Circuit(failures_max=2, pause_s=30.0)
    for _ in range(5):
        circuit.fail(0.0)
        circuit.succeed()
    assert circuit.state(0.0) is CircuitState.CLOSED


def test_after_the_pause_one_call_passes() -> None:
    circuit = opened()
    assert circuit.state(30.0) is CircuitState.HALF_OPEN
    assert [circuit.admit(30.0), circuit.admit(30.0)] == [True, False]


def test_a_probe_that_succeeds_closes_it() -> None:
    circuit = opened()
    circuit.admit(30.0)
    circuit.succeed()
    assert circuit.state(30.0) is CircuitState.CLOSED


def test_a_probe_that_fails_opens_it_for_another_pause() -> None:
    circuit = opened()
    circuit.admit(30.0)
    circuit.fail(30.0)
    assert [circuit.admit(59.9), circuit.admit(60.0)] == [False, True]


def test_a_probe_that_is_withdrawn_lets_the_next_one_pass() -> None:
    circuit = opened()
    circuit.admit(30.0)
    circuit.withdraw()
    assert circuit.admit(30.0)


@given(st.lists(st.sampled_from(["succeed", "fail", "withdraw"])), st.floats(0, 1e6))
def test_it_never_stays_open_for_good(outcomes: list[str], now: float) -> None:
    circuit = Circuit(failures_max=2, pause_s=30.0)
    for outcome in outcomes:
        if circuit.admit(now):
            getattr(circuit, outcome)(*([now] if outcome == "fail" else []))
        now += 7.0
    assert circuit.admit(now + 30.0)
