from __future__ import annotations

import json

import pytest

from flowcore.domain.workloads import TryOutcome
from flowcore.runner.endings import Ending, failed
from flowcore.runner.logs.files import open_log_files
from flowcore.runner.logs.try_files import TryLogFile
from tests.runner.tries import MOMENT, workload_of


async def log_with(tmp_path, ending):
    async with open_log_files(tmp_path) as files:
        TryLogFile(files, workload_of("t")).note_end(ending, now=MOMENT)
    return [json.loads(line) for path in tmp_path.rglob("*.log") for line in path.read_text().splitlines()]


async def test_failure_is_written_down(tmp_path):
    [line] = await log_with(tmp_path, failed("ValueError: bug"))
    assert line == {
        "timestamp": "2024-01-02T03:04:05.000000Z",
        "level": "error",
        "logger": "flowcore.try",
        "event": "the try failed",
        "exception": "ValueError: bug",
    }


@pytest.mark.parametrize("outcome", [TryOutcome.SUCCESS, TryOutcome.SKIPPED, TryOutcome.GIVEN_BACK])
async def test_other_ends_need_no_words(tmp_path, outcome):
    assert await log_with(tmp_path, Ending(outcome)) == []
