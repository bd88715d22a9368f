from __future__ import annotations

import contextvars

import pytest

from flowcore.errors import UsageError
from flowcore.sdk import get_current_context
from flowcore.sdk.context import current_context


def test_context_is_current_inside_its_block_only():
    context = {"run_id": "r"}
    with current_context(context):
        assert get_current_context() is context
    with pytest.raises(UsageError, match="called outside a running task; call it inside"):
        get_current_context()


def test_context_belongs_to_one_context_of_python():
    other = contextvars.copy_context()
    with current_context({}), pytest.raises(UsageError):
        other.run(get_current_context)
