from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flowcore.domain.dag_files import FailedFile, KnownFolder
from flowcore.processor.catalogue import GONE_AFTER_S, Catalogue
from tests.processor.folders import FOLDER, Stored, failed, made, read_all, sight


def waiting(catalogue: Catalogue) -> list[str]:
    """Which files are to be read; they are put back."""
    found = []
    while (path := catalogue.next_file()) is not None:
        found.append(path)
    for path in found:
        catalogue.put_back(path)
    return found


@pytest.fixture
def catalogue() -> Catalogue:
    """Has read `a.py`, which makes `a`, and `b.py`, which makes `b`, at the time 0."""
    catalogue = Catalogue(FOLDER)
    catalogue.look(sight({"a.py": 1, "b.py": 1}), 0)
    read_all(catalogue, {"a.py": ["a"], "b.py": ["b"]})
    return catalogue


def test_new_files_are_read_in_order_of_their_paths() -> None:
    catalogue = Catalogue(FOLDER)
    catalogue.look(sight({"b.py": 1, "a.py": 1}), 0)
    assert waiting(catalogue) == ["a.py", "b.py"]


def test_only_files_that_changed_are_read_again(catalogue: Catalogue) -> None:
    catalogue.look(sight({"a.py": 1, "b.py": 2}), 1)
    assert waiting(catalogue) == ["b.py"]


def test_a_file_that_changes_while_it_is_read_is_read_again(catalogue: Catalogue) -> None:
    catalogue.look(sight({"a.py": 2, "b.py": 1}), 1)
    assert catalogue.next_file() == "a.py"
    catalogue.look(sight({"a.py": 3, "b.py": 1}), 2)
    assert catalogue.next_file() is None
    catalogue.done("a.py", made("a.py", "a"), 3)
    assert catalogue.next_file() == "a.py"


def test_a_file_that_is_being_read_is_not_read_once_more(catalogue: Catalogue) -> None:
    catalogue.look(sight({"a.py": 2, "b.py": 1}), 1)
    assert catalogue.next_file() == "a.py"
    catalogue.look(sight({"a.py": 2, "b.py": 1}), 2)
    catalogue.done("a.py", made("a.py", "a"), 3)
    assert catalogue.next_file() is None


def test_files_are_read_again_after_a_while() -> None:
    catalogue = Catalogue(FOLDER, read_again_s=300)
    catalogue.look(sight({"a.py": 1}), 0)
    read_all(catalogue, {"a.py": ["a"]})
    catalogue.look(sight({"a.py": 1}), 299)
    assert waiting(catalogue) == []
    catalogue.look(sight({"a.py": 1}), 300)
    assert waiting(catalogue) == ["a.py"]


@pytest.mark.parametrize("edition", [2, None])
def test_a_file_is_read_again_when_what_it_reads_changes(edition: int | None) -> None:
    catalogue = Catalogue(FOLDER, rest_s=30)
    catalogue.look(sight({"a.py": 1}), 0)
    assert catalogue.next_file() == "a.py"
    catalogue.done("a.py", made("a.py", "a", reads={"a.yaml": 1}), 0)
    assert catalogue.reads == {"a.yaml"}
    others = sight({"a.yaml": edition}).files if edition else {"a.yaml": None}
    # Not all the time: somebody may write it each time a Dag file is read.
    catalogue.look(sight({"a.py": 1}, others=others), 29)
    assert waiting(catalogue) == []
    catalogue.look(sight({"a.py": 1}, others=others), 30)
    assert waiting(catalogue) == ["a.py"]


def test_a_file_that_is_missing_for_a_moment_is_not_gone(catalogue: Catalogue) -> None:
    assert catalogue.look(sight({"b.py": 1}), 10).makes == {}
    assert (catalogue.next_look_s(10), catalogue.is_settled) == (GONE_AFTER_S, False)
    assert catalogue.look(sight({"a.py": 1, "b.py": 1}), 10.5).makes == {}
    # It may not be what it was.
    assert waiting(catalogue) == ["a.py"]
    assert catalogue.next_look_s(10.5) == math.inf


def test_a_file_that_stays_away_is_gone(catalogue: Catalogue) -> None:
    catalogue.look(sight({"b.py": 1}), 10)
    changes = catalogue.look(sight({"b.py": 1}), 10 + GONE_AFTER_S)
    assert changes.makes == {"/dags/a.py": ()}
    assert catalogue.look(sight({"b.py": 1}), 20).makes == {}


def test_nothing_is_gone_from_a_folder_that_cannot_be_read(catalogue: Catalogue) -> None:
    for now in (10, 20):
        assert catalogue.look(sight({}, unreadable=("",)), now).makes == {}


def test_nothing_is_gone_below_a_folder_that_cannot_be_read() -> None:
    catalogue = Catalogue(FOLDER)
    catalogue.look(sight({"x/a.py": 1, "xy/b.py": 1}), 0)
    read_all(catalogue, {"x/a.py": ["a"], "xy/b.py": ["b"]})
    catalogue.look(sight({}, unreadable=("x",)), 10)
    assert catalogue.look(sight({}, unreadable=("x",)), 20).makes == {"/dags/xy/b.py": ()}


def test_what_is_wrong_with_the_folder_is_forgotten_when_it_is_mended() -> None:
    catalogue, failure = Catalogue(FOLDER), FailedFile(fileloc="/dags/.airflowignore", message="broken")
    assert catalogue.look(sight({}, failures=(failure,)), 0).failures == (failure,)
    assert catalogue.look(sight({}), 1).makes == {"/dags/.airflowignore": ()}


def test_a_file_that_fails_keeps_its_dags(catalogue: Catalogue) -> None:
    catalogue.look(sight({"a.py": 2, "b.py": 1}), 1)
    catalogue.next_file()
    changes = catalogue.done("a.py", failed("a.py"), 1)
    assert (changes.versions, changes.makes) == ((), {})
    assert [failure.fileloc for failure in changes.failures] == ["/dags/a.py"]


@pytest.mark.parametrize("order", [("a.py", "b.py"), ("b.py", "a.py")])
def test_of_two_files_that_make_a_dag_the_first_by_path_has_it(order: tuple[str, str]) -> None:
    catalogue, stored = Catalogue(FOLDER), Stored()
    catalogue.look(sight({"a.py": 1, "b.py": 1}), 0)
    assert {catalogue.next_file(), catalogue.next_file()} == {"a.py", "b.py"}
    for path in order:
        stored.apply(catalogue.done(path, made(path, "same", path[0]), 0))
    while (path := catalogue.next_file()) is not None:
        stored.apply(catalogue.done(path, made(path, "same", path[0]), 0))
    assert stored.owners == {"same": "a.py", "a": "a.py", "b": "b.py"}
    assert stored.failures == {
        "/dags/b.py": "/dags/b.py makes a Dag 'same', and so does /dags/a.py, which comes first; give one of"
        " them another dag_id"
    }


def test_a_dag_is_the_other_files_when_the_first_one_is_gone() -> None:
    catalogue = Catalogue(FOLDER)
    catalogue.look(sight({"a.py": 1, "b.py": 1}), 0)
    read_all(catalogue, {"a.py": ["same"], "b.py": ["same"]})
    catalogue.look(sight({"b.py": 1}), 10)
    stored = read_all(catalogue, {"b.py": ["same"]})
    assert (stored.owners, stored.failures) == ({"same": "b.py"}, {})


def test_a_file_that_is_gone_while_it_is_read_makes_nothing(catalogue: Catalogue) -> None:
    catalogue.look(sight({"a.py": 2, "b.py": 1}), 1)
    assert catalogue.next_file() == "a.py"
    catalogue.look(sight({"b.py": 1}), 2)
    changes = catalogue.done("a.py", made("a.py", "a"), 3)
    assert (changes.versions, changes.makes) == ((), {})


def test_what_was_stored_of_files_that_are_gone_is_taken_back() -> None:
    catalogue = Catalogue(FOLDER)
    active = frozenset({"a"})
    dags = {"a": "/dags/sub/a.py", "old": "/dags/old.py"}
    catalogue.begin(KnownFolder(dags, active, frozenset({"/dags/broken.py"})))
    catalogue.look(sight({}), 0)
    gone = catalogue.look(sight({}), GONE_AFTER_S).makes
    assert gone == {"/dags/sub/a.py": (), "/dags/broken.py": ()}


def test_runs_of_dags_that_were_stored_before_can_be_carried_out_at_once() -> None:
    catalogue = Catalogue(FOLDER)
    catalogue.begin(KnownFolder({"old": "/dags/old.py"}, frozenset(), frozenset()))
    catalogue.note_stored(made("a.py", "a").versions)
    assert [catalogue.has_dag(dag_id) for dag_id in ("old", "a", "b")] == [True, True, False]


PATHS, DAG_IDS = ["a.py", "b.py", "c.py"], ["x", "y"]
paths, contents = (
    st.sampled_from(PATHS),
    st.sampled_from([frozenset(ids) for ids in ("x", "y", "xy", "")] + [None]),
)


class Editing(RuleBasedStateMachine):
    """Files come, change, break and go while others are read; in the end what is stored is what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.catalogue, self.stored = Catalogue(FOLDER), Stored()
        self.folder: dict[str, tuple[int, frozenset[str] | None]] = {}
        self.reading: list[tuple[str, frozenset[str] | None]] = []
        self.edition, self.now = 0, 0.0

    @rule(path=paths, makes=contents)
    def write(self, path, makes):
        self.edition += 1
        self.folder[path] = self.edition, makes

    @rule(path=paths)
    def delete(self, path):
        self.folder.pop(path, None)

    # Fractions that add up exactly.
    @rule(passed_s=st.sampled_from([0.125, GONE_AFTER_S]))
    def look(self, passed_s):
        self.now += passed_s
        found = {path: edition for path, (edition, _) in self.folder.items()}
        self.stored.apply(self.catalogue.look(sight(found), self.now))

    @rule()
    def begin(self):
        path = self.catalogue.next_file()
        if path is not None:
            self.reading.append((path, self.folder.get(path, (0, None))[1]))

    @precondition(lambda self: self.reading)
    @rule(last=st.booleans())
    def end(self, last):
        self._end(-last)

    @rule()
    def settle(self):
        for _ in range(2):
            self.look(GONE_AFTER_S)
            self.begin()
            while self.reading:
                self._end(0)
                self.begin()
        assert self.catalogue.is_settled

    @invariant()
    def no_file_is_read_twice_at_once(self):
        paths = [path for path, _ in self.reading]
        assert len(paths) == len(set(paths))

    def teardown(self):
        # Files that fail keep their Dags, which is no matter of the folder alone.
        for path in [path for path, (_, makes) in self.folder.items() if makes is None]:
            self.write(path, frozenset())
        for _ in range(3):
            self.settle()
        makers = {
            dag_id: [p for p in PATHS if dag_id in self.folder.get(p, (0, ""))[1]] for dag_id in DAG_IDS
        }
        assert self.stored.owners == {dag_id: paths[0] for dag_id, paths in makers.items() if paths}
        losers = {f"{FOLDER}/{path}" for paths in makers.values() for path in paths[1:]}
        assert self.stored.failures.keys() == losers

    def _end(self, index):
        path, makes = self.reading.pop(index)
        outcome = failed(path) if makes is None else made(path, *sorted(makes))
        self.stored.apply(self.catalogue.done(path, outcome, self.now))


TestEditing = Editing.TestCase
TestEditing.settings = settings(max_examples=200, stateful_step_count=25)
