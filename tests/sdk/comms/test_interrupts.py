from __future__ import annotations

import threading

import pytest

from flowcore.sdk.comms.interrupts import Section, interrupt


class Stop(BaseException):
    """What a signal handler raises."""


def test_an_interrupt_arrives_at_once_outside_of_sections() -> None:
    with Section():
        pass
    with pytest.raises(Stop):
        interrupt(Stop())


def test_an_interrupt_waits_for_the_end_of_the_outermost_section() -> None:
    section, reached = Section(), []

    def work() -> None:
        with section:
            with section:
                interrupt(Stop())
                reached.append("inner")
            reached.append("outer")

    with pytest.raises(Stop):
        work()
    assert reached == ["inner", "outer"]


def test_an_interrupt_arrives_once() -> None:
    section = Section()
    with pytest.raises(Stop), section:
        interrupt(Stop())
    with section:
        pass
    assert not section.is_mine


def test_sections_of_other_threads_put_nothing_off() -> None:
    section, entered, may_leave = Section(), threading.Event(), threading.Event()

    def stay() -> None:
        with section:
            entered.set()
            may_leave.wait(60)

    thread = threading.Thread(target=stay)
    thread.start()
    entered.wait(60)
    with pytest.raises(Stop):
        interrupt(Stop())
    assert not section.is_mine
    may_leave.set()
    thread.join()


def test_the_thread_that_is_inside_may_come_again() -> None:
    section = Section()
    with section:
        assert section.is_mine
        assert not section.is_nested
        with section:
            assert section.is_nested
        assert not section.is_nested
