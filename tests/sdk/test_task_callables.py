from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import pytest

from flowcore.errors import DagError
from flowcore.sdk.context import CONTEXT_KEYS
from flowcore.sdk.task_callables import TaskCallable


class Row(TypedDict):
    a: int


def wants_some(x, ds, ti=None): ...
def wants_all(x, **context): ...
def wants_none(x, *rest, y=1): ...
def returns_row() -> Row: ...
def returns_dict() -> dict[str, int]: ...
def returns_mapping() -> Mapping[str, int]: ...
def returns_list() -> list[int]: ...
def returns_unknown() -> Nowhere: ...  # noqa: F821


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "filled"),
    [
        (wants_some, [1], {}, {"ds", "ti"}),
        (wants_some, [1, "2024"], {}, {"ti"}),
        (wants_some, [1], {"ti": 0}, {"ds"}),
        (wants_all, [1], {}, CONTEXT_KEYS),
        (wants_none, [1, 2, 3], {"y": 2}, set()),
    ],
)
def test_context_fills_what_the_author_did_not_give(function, args, kwargs, filled):
    assert TaskCallable.of(function).filled_from_context(args, kwargs) == filled


def has_a_conf_of_its_own(conf="mine", **context): ...


def test_authors_call_their_own_things_conf():
    called = TaskCallable.of(has_a_conf_of_its_own)
    assert called.filled_from_context((), {}) == CONTEXT_KEYS - {"conf"}
    assert TaskCallable.of(wants_all).filled_from_context((1,), {}) >= {"conf"}


@pytest.mark.parametrize(
    ("args", "kwargs", "reason"),
    [([], {}, "missing x"), ([1], {"z": 1}, "unexpected keyword argument 'z'"), ([1], {"x": 1}, "multiple")],
)
def test_call_that_cannot_work_is_refused(args, kwargs, reason):
    with pytest.raises(DagError, match=rf"'wants_some' cannot be called .*{reason}.*its signature is"):
        TaskCallable.of(wants_some).filled_from_context(args, kwargs)


def test_context_parameter_cannot_have_a_default():
    def surprising(ds="today"): ...

    with pytest.raises(DagError, match="parameter 'ds' of task function 'surprising'"):
        TaskCallable.of(surprising)


def test_builtin_without_a_signature_is_refused():
    with pytest.raises(DagError, match=r"cannot be a task: .*; call it in a function of your own"):
        TaskCallable.of(int)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (returns_row, True),
        (returns_dict, True),
        (returns_mapping, True),
        (returns_list, False),
        (returns_unknown, False),
        (wants_none, False),
    ],
)
def test_annotation_says_whether_a_dict_is_returned(function, expected):
    assert TaskCallable.of(function).returns_mapping is expected
