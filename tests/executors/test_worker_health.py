from __future__ import annotations

from flowcore.executors.worker_health import Pulse


def test_pings_follow_answers():
    pulse = Pulse()
    assert (pulse.ask(0.0), pulse.ask(1.0)) == (1, None)
    pulse.hear(1)
    assert pulse.ask(2.0) == 2


def test_silence_is_counted_from_the_ping():
    pulse = Pulse()
    assert pulse.silent_for(5.0) == 0
    pulse.ask(5.0)
    assert pulse.silent_for(8.0) == 3
    pulse.hear(1)
    assert pulse.silent_for(9.0) == 0


def test_late_answer_to_an_old_ping_changes_nothing():
    pulse = Pulse()
    pulse.ask(0.0)
    pulse.hear(1)
    pulse.ask(1.0)
    pulse.hear(1)
    assert pulse.silent_for(3.0) == 2
