from __future__ import annotations

import attrs
import pytest

from flowcore.sdk import DAG, BaseOperator, ResumableJobMixin


@attrs.define
class Cluster:
    """Another system, in which jobs are numbered."""

    jobs: dict[int, str] = attrs.field(factory=dict)

    def start(self) -> int:
        self.jobs[len(self.jobs)] = "RUNNING"
        return len(self.jobs) - 1


class RunsJob(ResumableJobMixin, BaseOperator):
    """Fails once while it polls, when the job has become `then`."""

    def __init__(self, *, cluster, then, **kwargs):
        super().__init__(**kwargs)
        self.cluster, self.then = cluster, then

    def execute(self, context):
        return self.execute_resumable(context)

    def submit_job(self, context):
        return self.cluster.start()

    def get_job_status(self, external_id, context):
        return self.cluster.jobs[external_id]

    def is_job_active(self, status):
        return status == "RUNNING"

    def is_job_succeeded(self, status):
        return status == "SUCCEEDED"

    def poll_until_complete(self, external_id, context):
        if context["ti"].try_number == 1:
            self.cluster.jobs[external_id] = self.then
            raise ConnectionError("the line is dead")
        self.cluster.jobs[external_id] = "SUCCEEDED"

    def get_job_result(self, external_id, context):
        return f"result of {external_id}"


@pytest.mark.parametrize(
    ("then", "durable", "result", "jobs"),
    [
        ("RUNNING", True, "result of 0", {0: "SUCCEEDED"}),
        ("SUCCEEDED", True, "result of 0", {0: "SUCCEEDED"}),
        ("FAILED", True, "result of 1", {0: "FAILED", 1: "SUCCEEDED"}),
        ("RUNNING", False, "result of 1", {0: "RUNNING", 1: "SUCCEEDED"}),
    ],
)
def test_a_retry_finds_the_job_of_the_try_before(then, durable, result, jobs):
    cluster = Cluster()
    with DAG("jobs") as dag:
        RunsJob(task_id="job", retries=1, cluster=cluster, then=then, durable=durable)
    assert dag.test().tasks["job"].returned == result
    assert cluster.jobs == jobs
