from __future__ import annotations

import pytest

from flowcore.sdk import BaseHook, BaseOperator, BaseSensorOperator


class Load(BaseOperator): ...


class Wait(BaseSensorOperator): ...


class Warehouse(BaseHook): ...


MADE = [Load(task_id="a"), Wait(task_id="a"), Warehouse()]


@pytest.mark.parametrize("made", MADE, ids=lambda made: type(made).__name__)
def test_operators_sensors_and_hooks_have_a_logger_named_like_their_class(made) -> None:
    assert made.log.name == f"{__name__}.{type(made).__name__}"


def test_a_hook_may_name_its_logger() -> None:
    assert Warehouse(logger_name="warehouse").log.name == "warehouse"
