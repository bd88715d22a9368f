from __future__ import annotations

from flowcore.sdk import get_parsing_context


def test_a_file_is_always_read_for_all_of_its_dags():
    context = get_parsing_context()
    assert (context.dag_id, context.task_id) == (None, None)
