from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent

import anyio
import attrs
import pytest

from flowcore.domain.dag_files import FailedFile
from flowcore.errors import VariableNotFound
from flowcore.processor.catalogue import Outcome
from flowcore.processor.reading import DagFileReader
from flowcore.runner.processes.connections import ForkServerGone
from flowcore.runner.processes.owner import ForkServer, open_fork_server
from tests.runner.children import descendants, wait_until

pytestmark = pytest.mark.slow

HEAD = "import os, signal, subprocess, sys, threading, time\nfrom flowcore.sdk import DAG, Variable, task\n"
GOOD = "dag = DAG('good')\n"


class Variables:
    """Knows the variable `colour`."""

    async def variable(self, key: str) -> str:
        if key == "colour":
            return "red"
        raise VariableNotFound(key, ("the test",))


@attrs.frozen
class Reading:
    """A Dag folder, and a reader of its files."""

    folder: Path
    server: ForkServer
    timeout_s: float = 20.0

    async def read(self, text: str, name: str = "file.py") -> Outcome:
        path = self.folder / name
        path.write_text(HEAD + dedent(text))
        return await self.reader().read(name)

    async def failure(self, text: str) -> FailedFile:
        outcome = await self.read(text)
        assert outcome.failure is not None
        assert outcome.versions == ()
        assert outcome.failure.fileloc == str(self.folder / "file.py")
        return outcome.failure

    def reader(self, **fields: object) -> DagFileReader:
        given = {"folder": str(self.folder), "server": self.server, "secrets": Variables(), **fields}
        return DagFileReader(**{"timeout_s": self.timeout_s, **given})  # type: ignore[arg-type]


@pytest.fixture
async def reading(tmp_path: Path) -> AsyncIterator[Reading]:
    async with nothing_left(), open_fork_server() as server:
        yield Reading(tmp_path, server)


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Nothing that was started in the block is alive afterwards."""
    before = descendants()
    yield
    await wait_until(lambda: descendants() <= before)


def ids(outcome: Outcome) -> list[str]:
    return [version.dag.dag_id for version in outcome.versions]


async def test_a_file_is_read_with_its_source(reading: Reading) -> None:
    outcome = await reading.read("a = DAG('a', tags=['x'])\nb = DAG('b')")
    assert (ids(outcome), outcome.failure) == (["a", "b"], None)
    [version, _] = outcome.versions
    assert (version.dag.tags, version.dag.fileloc) == (("x",), str(reading.folder / "file.py"))
    assert version.source is not None
    assert version.source.text == (reading.folder / "file.py").read_text()


async def test_variables_are_found_while_a_file_is_read(reading: Reading) -> None:
    outcome = await reading.read("a = DAG(Variable.get('colour'))")
    assert ids(outcome) == ["red"]


async def test_a_variable_that_is_not_there_is_the_files_failure(reading: Reading) -> None:
    failed = await reading.failure("a = DAG(Variable.get('taste'))")
    assert "file.py:3: VariableNotFound: there is no variable 'taste'" in failed.message


async def test_a_file_that_raises_says_where_and_how(reading: Reading) -> None:
    failed = await reading.failure("def f():\n    1 / 0\nf()")
    assert failed.message.endswith("file.py:4: ZeroDivisionError: division by zero; mend the file")
    assert failed.detail is not None
    assert "in f\n    1 / 0" in failed.detail


async def test_other_programs_are_left_alone(reading: Reading) -> None:
    (reading.folder / "program.py").write_text("raise SystemExit('not a Dag file')")
    assert await reading.reader().read("program.py") == Outcome()
    outcome = await reading.reader(safe_mode=False).read("program.py")
    assert outcome.failure is not None


BAD = {
    "raises what nobody catches": (
        "class Odd(BaseException): pass\nraise Odd('x')",
        "file.py:4: Odd: x; mend the file",
    ),
    "ends the interpreter": ("os._exit(0)", "ended (exit status 0); leave out what ends the interpreter"),
    "ends the interpreter with a status": ("os._exit(7)", "ended (exit status 7); leave out"),
    "exits": ("sys.exit(0)", "file.py:3: SystemExit: 0; mend the file"),
    "crashes": ("import ctypes; ctypes.string_at(0)", "crashed (signal SIGSEGV); a module that it imports"),
    "kills itself": ("os.kill(os.getpid(), 9)", "was killed, perhaps because memory ran out"),
    "closes its descriptors": ("os.closerange(0, 1000)", "file.py: "),
    "recurses without end": ("def f(): f()\nf()", "file.py:3: RecursionError"),
    "writes nonsense to its supervisor": (
        "for fd in range(3, 30):\n  try: os.write(fd, b'x' * 100)\n  except OSError: pass",
        "broke the protocol of its socket: it ",
    ),
    "has objects where values belong": (
        "a = DAG('a', params={'x': object()})",
        "file.py:3: ",
    ),
    "makes a hundred thousand Dags": (
        "for n in range(100_000): globals()[f'd{n}'] = DAG(f'd{n}')",
        "makes 100000 Dags; let one file make 10000 of them at the most",
    ),
    "makes one Dag twice": ("a = DAG('a'); b = DAG('a')", "makes two Dags called 'a'; give one of them"),
    "leaves a text that cannot be stored": (
        "a = DAG('a', doc_md='\\0')",
        "Dag 'a' cannot be stored; leave NUL",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
async def test_a_bad_file_is_a_clear_failure_and_harms_nothing(
    text: str, message: str, reading: Reading
) -> None:
    failed = await reading.failure(text)
    assert message in failed.message
    assert ids(await reading.read(GOOD)) == ["good"]


HANGS = {
    "sleeps": ("time.sleep(1000)", "file.py:3: it took too long to import; do less at import"),
    "ignores interruptions": (
        "while True:\n  try: time.sleep(1000)\n  except BaseException: pass",
        "took longer than 2 s to import and could not be interrupted",
    ),
    "holds the interpreter in C": (
        "import ctypes; signal.pthread_sigmask(signal.SIG_BLOCK, [2]); time.sleep(1000)",
        "could not be interrupted",
    ),
    "waits for a thread": (
        "threading.Thread(target=time.sleep, args=[1000]).start(); threading.Event().wait()",
        "it took too long to import",
    ),
}


@pytest.mark.parametrize(("text", "message"), HANGS.values(), ids=HANGS)
async def test_a_file_that_hangs_is_ended(text: str, message: str, reading: Reading) -> None:
    failed = await attrs.evolve(reading, timeout_s=2.0).failure(text)
    assert message in failed.message


HARMLESS = {
    "starts threads": "threading.Thread(target=time.sleep, args=[1000]).start()\n",
    "forks": "os.fork()\n",
    "forks and goes on in the child": "if os.fork(): time.sleep(0.1)\n",
    "leaves a daemon": "if not os.fork():\n os.setsid()\n if not os.fork(): time.sleep(999)\n os._exit(0)\n",
    "leaves a program": "subprocess.Popen(['sleep', '1000'], start_new_session=True)\n",
    "prints megabytes": "print('x' * 20_000_000); print('y' * 20_000_000, file=sys.stderr)\n",
    "closes its outputs": "os.close(1); os.close(2); sys.stdout.close()\n",
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
async def test_what_a_file_does_besides_is_ended_with_it(text: str, reading: Reading) -> None:
    before = descendants()
    outcome = await reading.read(text + GOOD)
    assert (outcome.failure, ids(outcome)) == (None, ["good"])
    await wait_until(lambda: descendants() <= before)


async def test_what_a_file_prints_is_in_the_log_up_to_a_limit(
    reading: Reading, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", logger="flowcore.processor"):
        await reading.read("print('x' * 1_000_000); print('the end')\n" + GOOD)
    [line] = [record.getMessage() for record in caplog.records if "printed" in record.getMessage()]
    assert line.endswith("xxx\nthe end")
    assert len(line) < 10_000


async def test_what_a_crashed_file_printed_is_the_detail(reading: Reading) -> None:
    failed = await reading.failure("print('last words', flush=True); os.kill(os.getpid(), signal.SIGABRT)")
    assert "signal SIGABRT" in failed.message
    assert failed.detail is not None
    # It comes through two pipes: what Python says of the crash may come first.
    assert "last words\n" in failed.detail + "\n"


async def test_a_file_that_ends_the_fork_server_is_told_from_a_bad_one(reading: Reading) -> None:
    with pytest.raises(ForkServerGone):
        await reading.read("os.kill(os.getppid(), 9); time.sleep(1000)")
    assert ids(await reading.read(GOOD)) == ["good"]


async def test_a_reading_that_is_cancelled_leaves_no_process(reading: Reading) -> None:
    before = descendants()
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(reading.read, f"open({str(reading.folder / 'begun')!r}, 'w'); time.sleep(1000)")
        await wait_until((reading.folder / "begun").exists)
        nursery.cancel_scope.cancel()
    await wait_until(lambda: descendants() <= before)


async def test_what_a_file_reads_in_the_folder_is_told(reading: Reading) -> None:
    (reading.folder / "conf").mkdir()
    (reading.folder / "conf" / "a.txt").write_text("x")
    (reading.folder / "neighbour.py").write_text("NAME = 'a'")
    text = """
    from pathlib import Path
    from neighbour import NAME
    here = Path(__file__).parent
    sorted(here.joinpath("conf").iterdir())
    (here / "conf" / "a.txt").read_text()
    (here / "absent.txt").exists() or None
    try: open(here / "absent.txt")
    except FileNotFoundError: pass
    (here / "written.txt").write_text("x")
    open("/etc/hostname").read()
    a = DAG(NAME)
    """
    outcome = await reading.read(text)
    reads = {read.path: read.stamp is not None for read in outcome.reads}
    assert reads == {"absent.txt": False, "conf": True, "conf/a.txt": True, "neighbour.py": True}


async def test_another_module_of_the_folder_makes_another_version(reading: Reading) -> None:
    hashes = set()
    for text in ("NAME = 'a'", "NAME = 'a'; OTHER = 1"):
        (reading.folder / "neighbour.py").write_text(text)
        [version] = (await reading.read("from neighbour import NAME\na = DAG(NAME)")).versions
        assert version.source is not None
        hashes.add((version.content_hash, version.source.digest))
    assert len({content for content, _ in hashes}) == len({digest for _, digest in hashes}) == 2
