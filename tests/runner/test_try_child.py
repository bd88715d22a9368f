from __future__ import annotations

import signal
from datetime import UTC, datetime

import anyio
import attrs
import pytest

from flowcore.backends import Backend
from flowcore.domain.retries import RetryAdvice
from flowcore.domain.workloads import TryOutcome
from flowcore.runner.processes.children import ExitStatus
from flowcore.runner.processes.owner import open_fork_server
from flowcore.sdk.comms.messages import LogLines
from tests.runner.children import cpu_ticks, printed, printed_until, wait_gone, wait_until
from tests.runner.supervised import dag_of, source_of, try_in_child
from tests.runner.tries import DATED_RUN, workload_of
from tests.support.plug_ins import write_distribution

pytestmark = pytest.mark.slow

SUCCESS, FAILED = TryOutcome.SUCCESS, TryOutcome.FAILED
KINDS = pytest.mark.parametrize("kind", ["def", "async def"])
ENDED = ExitStatus(code=0)


@pytest.fixture(scope="module")
async def server(anyio_backend):
    async with open_fork_server() as server:
        yield server


async def outcome_of(server, source, **options):
    """How the only task `t` of a source ends, and how its process does."""
    workload = options.pop("workload", workload_of("t"))
    async with try_in_child(server, source, workload, **options) as supervisor:
        over = await supervisor.over()
        return over, await supervisor.child.wait()


# ---- what goes well


@KINDS
async def test_result_is_reported_and_the_process_ends(server, kind):
    over, status = await outcome_of(server, dag_of(f"{kind} t(): return [1, 'é']"))
    assert (over.outcome, over.xcoms, over.error) == (SUCCESS, {"return_value": '[1, "\\u00e9"]'}, None)
    assert status == ENDED


@KINDS
async def test_a_try_that_puts_itself_off_says_until_when(server, kind):
    source = source_of(f"""
        from datetime import UTC, datetime
        from flowcore.sdk import AirflowRescheduleException
        with DAG("d") as dag:
            @task
            {kind} t(): raise AirflowRescheduleException(datetime(2030, 1, 1, tzinfo=UTC))
            t()
    """)
    over, status = await outcome_of(server, source)
    assert (over.outcome, over.reschedule_at, status) == (
        TryOutcome.RESCHEDULED,
        datetime(2030, 1, 1, tzinfo=UTC),
        ENDED,
    )


async def test_a_callback_that_ends_its_process_changes_nothing(server):
    source = source_of("""
        import os
        with DAG("d") as dag:
            @task(on_success_callback=lambda context: os._exit(3))
            def t(): return 1
            t()
    """)
    over, status = await outcome_of(server, source)
    assert (over.outcome, over.xcoms, status) == (SUCCESS, {"return_value": "1"}, ExitStatus(code=3))


async def test_a_try_that_was_told_to_end_calls_nobody(server):
    source = source_of("""
        import os, signal
        with DAG("d") as dag:
            def end(context): os._exit(3)
            @task(on_failure_callback=end, on_retry_callback=end)
            def t(): os.kill(os.getpid(), signal.SIGTERM)
            t()
    """)
    over, status = await outcome_of(server, source)
    assert (over.outcome, status) == (FAILED, ENDED)


@KINDS
async def test_what_a_retry_policy_says_is_reported(server, kind):
    source = source_of(f"""
        from flowcore.sdk import ExceptionRetryPolicy, RetryRule
        POLICY = ExceptionRetryPolicy([RetryRule("builtins.KeyError", retry_delay=30, reason="busy")])
        with DAG("d") as dag:
            @task(retry_policy=POLICY)
            {kind} t(): return dict()["k"]
            t()
    """)
    over, status = await outcome_of(server, source)
    assert (over.outcome, over.advice, status) == (FAILED, RetryAdvice(30, "busy"), ENDED)


@KINDS
async def test_listeners_hear_of_a_try_in_its_process(server, kind, tmp_path):
    ears = "def on_task_instance_success(task_instance): print('heard of', task_instance.task_id)"
    write_distribution(tmp_path, "ears", {"ears": ears}, {"flowcore.listeners": {"ears": "ears"}})
    source = source_of(f"""
        import sys
        sys.path.append({str(tmp_path)!r})
        with DAG("d") as dag:
            @task
            {kind} t(): pass
            t()
    """)
    async with try_in_child(server, source, workload_of("t"), settings={"has_listeners": True}) as supervisor:
        lines = await supervisor.next(LogLines)
    assert "heard of t" in lines.lines[0]


async def test_a_try_that_was_told_to_end_asks_no_retry_policy(server):
    source = source_of("""
        import os, signal
        from flowcore.sdk import RetryPolicy
        class Policy(RetryPolicy):
            def evaluate(self, **asked): os._exit(3)
        with DAG("d") as dag:
            @task(retry_policy=Policy())
            def t(): os.kill(os.getpid(), signal.SIGTERM)
            t()
    """)
    over, status = await outcome_of(server, source)
    assert (over.outcome, status) == (FAILED, ENDED)


@KINDS
async def test_what_a_branch_skips_is_reported(server, kind):
    source = source_of(f"""
        with DAG("d") as dag:
            @task.branch
            {kind} t(): return "a"
            t() >> [task(task_id=name)(list)() for name in "ab"]
    """)
    over, _ = await outcome_of(server, source)
    assert (over.outcome, over.effects.skips, over.xcoms) == (SUCCESS, ("b",), {"return_value": '"a"'})


@KINDS
async def test_outputs_params_and_templates_become_values(server, kind):
    source = source_of(f"""
        class Op(BaseOperator):
            template_fields = ("templated",)
            def __init__(self, task_id, value, templated):
                super().__init__(task_id)
                self.value, self.templated = value, templated
            {kind.replace("def", "def a" if "async" in kind else "def ")}execute(self, context):
                return [self.value, self.templated, context["ti"].task_id]
        with DAG("d") as dag:
            up = task(task_id="up")(list)()
            Op("t", up["k"], "on {{{{ ds }}}} {{{{ params.size }}}}")
    """)
    over, _ = await outcome_of(
        server, source, xcoms={("up", -1, "k"): 5}, workload=workload_of("t", run=DATED_RUN)
    )
    assert over.xcoms == {"return_value": '[5, "on 2024-01-02 3", "t"]'}


@KINDS
async def test_code_asks_its_supervisor(server, kind):
    ask = "await Variable.aget" if "async" in kind else "Variable.get"
    over, _ = await outcome_of(server, dag_of(f"{kind} t(): return {ask}('a')"), variables={"a": "1"})
    assert over.xcoms == {"return_value": '"1"'}


async def test_threads_of_the_author_know_their_try(server):
    source = dag_of("""
        from concurrent.futures import ThreadPoolExecutor
        import threading
        def look():
            print("in a thread")
            return [get_current_context()["ti"].task_id, Variable.get("a")]
        def t():
            found = []
            thread = threading.Thread(target=lambda: found.append(look()))
            thread.start(); thread.join()
            with ThreadPoolExecutor(1) as pool:
                return found + [pool.submit(look).result()]
    """)
    async with try_in_child(server, source, workload_of("t"), variables={"a": "1"}) as supervisor:
        assert (await supervisor.over()).xcoms == {"return_value": '[["t", "1"], ["t", "1"]]'}
        assert supervisor.events() == ["in a thread", "in a thread"]


@KINDS
async def test_what_is_logged_and_printed_arrives_before_the_end(server, kind):
    source = dag_of(f"""
        import logging, subprocess
        {kind} t():
            logging.getLogger("mine").info("logged %s", 1)
            print("printed")
            print("unfinished", end="", file=sys.stderr)
            subprocess.run(["echo", "from outside"])
    """)
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.over()
        lines = [(line["level"], line["logger"], line["event"]) for line in supervisor.logged()]
        assert lines == [
            ("info", "mine", "logged 1"),
            ("info", "task.stdout", "printed"),
            ("error", "task.stderr", "unfinished"),
        ]
        assert await printed(supervisor.child.stdout) == "from outside\n"


@KINDS
async def test_the_environment_says_which_try_it_is(server, kind):
    source = dag_of(
        f"{kind} t(): return [os.environ['AIRFLOW_CTX_TASK_ID'], os.getenv('AIRFLOW_CTX_LOGICAL_DATE')]"
    )
    over, _ = await outcome_of(server, source, workload=workload_of("t", run=DATED_RUN))
    assert over.xcoms == {"return_value": '["t", "2024-01-02T03:04:05+00:00"]'}


async def test_coroutine_runs_on_the_loop_that_it_wants(server):
    source = dag_of("async def t(): return type(anyio.lowlevel.current_token().native_token).__module__")
    for backend in Backend:
        over, _ = await outcome_of(server, source, workload=attrs.evolve(workload_of("t"), backend=backend))
        assert over.xcoms["return_value"].startswith(f'"{backend}.')


async def test_function_may_run_a_loop_of_its_own(server):
    over, _ = await outcome_of(
        server,
        dag_of("async def f(): return await Variable.aget('a')\ndef t(): return anyio.run(f)"),
        variables={"a": "1"},
    )
    assert over.xcoms == {"return_value": '"1"'}


# ---- what goes wrong


@KINDS
@pytest.mark.parametrize(
    ("statement", "outcome", "error"),
    [
        ("raise ValueError('bug')", FAILED, "ValueError: bug"),
        ("raise TaskFailed('broken')", TryOutcome.FAILED_FOR_GOOD, "broken"),
        ("raise TaskSkipped('enough')", TryOutcome.SKIPPED, "enough"),
        ("sys.exit(0)", FAILED, "SystemExit: 0"),
        ("raise KeyboardInterrupt", FAILED, "KeyboardInterrupt"),
        ("raise BaseException('base')", FAILED, "BaseException: base"),
        ("return object()", FAILED, "cannot push XCom 'return_value' of type object"),
        ("return 'x' * 100_000_000", FAILED, "'return_value' with 100,000,002 bytes of JSON"),
        (
            "[get_current_context()['ti'].xcom_push(n, 'x' * 9_000_000) for n in '12']",
            FAILED,
            "('2' has 9000002, '1' has 9000002)",
        ),
        ("raise ValueError('x' * 100_000_000)", FAILED, "characters are left out"),
    ],
)
async def test_whatever_the_author_raises_is_reported(server, kind, statement, outcome, error):
    over, status = await outcome_of(server, dag_of(f"{kind} t(): {statement}"))
    assert over.outcome is outcome
    assert error in over.error
    assert status == ENDED


async def test_error_shows_the_authors_lines_only(server):
    over, _ = await outcome_of(server, dag_of("def t(): raise ValueError('bug')  # here"))
    assert "def t(): raise ValueError('bug')  # here" in over.error
    assert "flowcore" not in over.error


async def test_dag_that_the_file_does_not_make_is_told(server):
    over, _ = await outcome_of(server, source_of("other = DAG('other')"))
    assert "made other Dags this time ('other')" in over.error


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("os._exit(0)", ExitStatus(code=0)),
        ("os._exit(7)", ExitStatus(code=7)),
        ("os.kill(os.getpid(), signal.SIGKILL)", ExitStatus(signal=signal.SIGKILL)),
        ("import ctypes; ctypes.string_at(0)", ExitStatus(signal=signal.SIGSEGV)),
    ],
)
@KINDS
async def test_process_that_ends_by_itself_reports_nothing(server, kind, statement, status):
    async with try_in_child(server, dag_of(f"{kind} t(): {statement}"), workload_of("t")) as supervisor:
        assert await supervisor.child.wait() == status
        await supervisor.begun()
        assert supervisor.notices == []


async def test_crash_says_where_it_happened(server):
    async with try_in_child(
        server, dag_of("import ctypes\ndef t(): ctypes.string_at(0)"), workload_of("t")
    ) as supervisor:
        said = await printed(supervisor.child.stderr)
        assert "Segmentation fault" in said
        assert 'File "/dags/file.py", line 4 in t' in said


@pytest.mark.parametrize("then", ["return 1", "os._exit(3)"])
async def test_daemon_that_a_try_leaves_dies_with_it(server, then):
    source = dag_of(f"""
        def t():
            reading, writing = os.pipe()
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.write(writing, b"%d" % os.getpid())
                    time.sleep(1000)
                os._exit(0)
            print(os.read(reading, 100).decode(), flush=True)
            {then}
    """)
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.child.wait()
        await supervisor.wait_over()
        daemon = int(supervisor.events()[0])
        await wait_gone(daemon)


async def test_fork_of_a_task_that_returns_reports_nothing(server):
    source = dag_of("def t():\n if os.fork(): os.wait()\n return os.getpid()")
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        over = await supervisor.over()
        assert over.xcoms == {"return_value": str(supervisor.child.pid)}
        assert await supervisor.child.wait() == ENDED
        assert supervisor.notices[1:] == []


async def test_descriptors_that_a_task_closes_end_its_conversation_only(server):
    source = dag_of("def t():\n os.closerange(0, 256)\n return 1")
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.child.wait()
        await supervisor.begun()
        assert supervisor.notices == []
    over, _ = await outcome_of(server, dag_of("def t(): return 1"))
    assert over.outcome is SUCCESS


async def test_nonsense_on_the_comms_socket_is_the_childs_own_problem(server):
    source = dag_of("""
        import socket
        def t():
            for fd in range(3, 64):
                try: socket.socket(fileno=os.dup(fd)).send(b"\\xff" * 64)
                except OSError: pass
            time.sleep(1000)
    """)
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.broken()
    over, _ = await outcome_of(server, dag_of("def t(): return 1"))
    assert over.outcome is SUCCESS


# ---- being stopped


async def test_interrupt_raises_in_the_function_and_finally_runs(server):
    source = dag_of("""
        def t():
            try:
                print("begun")
                time.sleep(1000)
            except TaskCancelled:
                print("interrupted")
                raise
            finally:
                print("finally")
    """)
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.said("begun")
        supervisor.child.interrupt()
        over = await supervisor.over()
        assert over.outcome is FAILED
        assert over.error.endswith("TaskCancelled: the try was told to end by SIGINT")
        assert "in t" in over.error
        assert supervisor.events() == ["begun", "interrupted", "finally"]


async def test_interrupt_after_the_time_limit_is_a_timeout(server):
    source = dag_of("def t():\n print('begun')\n time.sleep(1000)")
    async with try_in_child(server, source, workload_of("t", timeout_s=0.01)) as supervisor:
        await supervisor.said("begun")
        await anyio.sleep(0.02)
        supervisor.child.interrupt()
        over = await supervisor.over()
        assert over.error.endswith("TaskTimedOut: the try exceeded its execution_timeout of 0.01 s")


async def test_interrupt_of_a_question_is_no_trouble_for_the_next_one(server):
    source = dag_of("""
        def t():
            try:
                Variable.get("slow")
            except TaskCancelled:
                return Variable.get("a")
    """)
    async with try_in_child(server, source, workload_of("t"), variables={"a": "1"}) as supervisor:
        await supervisor.asked("slow")
        supervisor.child.interrupt()
        assert (await supervisor.over()).xcoms == {"return_value": '"1"'}


ON_KILL = """
    class Op(BaseOperator):
        def execute(self, context):
            print("begun")
            {work}
        def on_kill(self):
            print("on_kill", flush=True)
            {kill}
    with DAG("d") as dag: Op("t")
"""


async def test_on_kill_runs_when_a_function_is_interrupted(server):
    source = source_of(ON_KILL.format(work="time.sleep(1000)", kill="pass"))
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.said("begun")
        supervisor.child.terminate()
        assert (await supervisor.over()).outcome is FAILED
        assert supervisor.events() == ["begun", "on_kill"]


async def test_on_kill_that_hangs_is_interrupted_by_the_next_signal(server):
    source = source_of(ON_KILL.format(work="time.sleep(1000)", kill="time.sleep(1000)"))
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.said("begun")
        supervisor.child.interrupt()
        await supervisor.said("on_kill")
        supervisor.child.terminate()
        assert "told to end by SIGTERM" in (await supervisor.over()).error


async def test_on_kill_that_fails_is_logged(server):
    source = source_of(ON_KILL.format(work="time.sleep(1000)", kill="1 / 0"))
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.said("begun")
        supervisor.child.interrupt()
        assert "told to end by SIGINT" in (await supervisor.over()).error
        assert supervisor.events()[2:] == ["on_kill of d/manual__1/t try 1 failed"]


async def test_signals_at_any_moment_leave_a_whole_report_or_none(server):
    source = dag_of("def t(): return [Variable.get('a') for _ in range(20)]")
    for number in range(20):
        async with try_in_child(server, source, workload_of("t"), variables={"a": "1"}) as supervisor:
            await anyio.sleep(0.0005 * number)
            supervisor.child.interrupt()
            await supervisor.child.wait()
            assert supervisor.error is None


async def test_code_in_c_says_where_it_is_and_is_killed(server):
    source = dag_of("""
        import hashlib
        def t():
            print("begun")
            hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
    """)
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.said("begun")
        begun = cpu_ticks(supervisor.child.pid)
        await wait_until(lambda: cpu_ticks(supervisor.child.pid) > begun + 3)
        supervisor.child.interrupt()
        supervisor.child.terminate()
        assert 'File "/dags/file.py", line 7 in t' in await printed_until(supervisor.child.stderr, "in t\n")
        supervisor.child.kill()
        assert await supervisor.child.wait() == ExitStatus(signal=signal.SIGKILL)


async def test_coroutine_is_cancelled_by_a_signal(server):
    source = dag_of("""
        async def t():
            try:
                print("begun")
                await anyio.sleep_forever()
            finally:
                print("finally")
    """)
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.said("begun")
        supervisor.child.interrupt()
        over = await supervisor.over()
        assert (over.outcome, over.error) == (FAILED, "the try was told to end by SIGINT")
        assert supervisor.events() == ["begun", "finally"]


async def test_coroutine_ends_itself_at_its_time_limit(server):
    over, _ = await outcome_of(
        server,
        dag_of("async def t(): await anyio.sleep_forever()"),
        workload=workload_of("t", timeout_s=0.05),
    )
    assert over.error == "the try exceeded its execution_timeout of 0.05 s"
