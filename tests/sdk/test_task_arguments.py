from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import BaseOperator
from flowcore.sdk.argument_rules import kept_arguments
from flowcore.sdk.task_arguments import TASK_RULES, TaskArguments


def test_every_argument_has_a_rule_and_a_default():
    assert set(TASK_RULES) == set(TaskArguments.__annotations__)
    assert [name for name in TASK_RULES if not hasattr(BaseOperator, name)] == []


@pytest.mark.parametrize(("given", "kept"), [(True, 2.0), (False, 0.0), (1.5, 1.5), (0, 0.0)])
def test_backoff_is_a_factor(given, kept):
    assert kept_arguments("t", TASK_RULES, {"retry_exponential_backoff": given}) == {
        "retry_exponential_backoff": kept
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retries", -1),
        ("pool_slots", 0),
        ("trigger_rule", "all_good"),
        ("weight_rule", "sideways"),
        ("retry_exponential_backoff", -1),
        ("retry_exponential_backoff", float("nan")),
        ("retry_exponential_backoff", float("inf")),
        ("execution_timeout", 0),
        ("runs_in", "thread"),
        ("backend", "curio"),
    ],
)
def test_bad_value_is_refused(name, value):
    with pytest.raises(DagError, match=f"{name}=.*; give"):
        kept_arguments("task 'a'", TASK_RULES, {name: value})
