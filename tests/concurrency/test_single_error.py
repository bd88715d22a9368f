from __future__ import annotations

import pytest

from flowcore.concurrency.single_error import single_error

BUG = ValueError("bug")


def test_the_only_error_comes_out_of_its_groups() -> None:
    with pytest.raises(ValueError, match="bug") as caught, single_error():
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [BUG])])
    assert caught.value is BUG


def test_several_errors_stay_a_group() -> None:
    with pytest.raises(ExceptionGroup) as caught, single_error():
        raise ExceptionGroup("both", [BUG, KeyError("other")])
    assert len(caught.value.exceptions) == 2


def test_what_was_the_cause_of_the_error_still_is() -> None:
    error = ValueError("bug")
    error.__cause__ = KeyError("cause")
    with pytest.raises(ValueError, match="bug") as caught, single_error():
        raise ExceptionGroup("outer", [error])
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_error_outside_of_a_group_passes() -> None:
    with pytest.raises(ValueError, match="bug"), single_error():
        raise BUG
