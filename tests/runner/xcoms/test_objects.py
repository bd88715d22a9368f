from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.xcoms import XComPlace
from flowcore.errors import XComUnavailable
from flowcore.runner.xcoms.objects import ObjectXComs

PLACE = XComPlace(
    dag_id="d", run_id="manual__2024-01-02T03:04:05+00:00", task_id="t", map_index=-1, token=3, key="k"
)
LARGE = {"rows": ["x" * 50]}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("__flowcore_object__"), inner),
)


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def backend(tmp_path):
    return ObjectXComs(str(tmp_path), threshold=20)


def test_small_values_stay_in_the_database(backend, tmp_path):
    assert backend.serialize([1, 2], PLACE) == [1, 2] == backend.deserialize([1, 2])
    assert files_in(tmp_path) == []


def test_large_values_are_written_to_a_file_of_the_try(backend, tmp_path):
    stored = backend.serialize(LARGE, PLACE)
    [name] = files_in(tmp_path)
    assert stored == {"__flowcore_object__": name}
    run = "dag_id=d/run_id=manual__2024-01-02T03%3A04%3A05%2B00%3A00"
    assert name.startswith(f"{run}/task_id=t/map_index=-1/token=3/")
    assert backend.deserialize(stored) == LARGE


@pytest.mark.slow
@given(value=json_values, threshold=st.sampled_from([0, 10, 1_000]))
def test_every_value_comes_back(value, threshold):
    backend = ObjectXComs("memory://xcoms", threshold=threshold)
    assert backend.deserialize(backend.serialize(value, PLACE)) == value


@pytest.mark.parametrize("compression", ["gzip", "bz2"])
def test_files_can_be_compressed(tmp_path, compression):
    backend = ObjectXComs(str(tmp_path), threshold=0, compression=compression)
    stored = backend.serialize("x" * 10_000, PLACE)
    assert (tmp_path / stored["__flowcore_object__"]).stat().st_size < 200
    assert backend.deserialize(stored) == "x" * 10_000


def test_a_url_names_another_file_system():
    backend = ObjectXComs("memory://elsewhere/", threshold=0)
    assert backend.deserialize(backend.serialize(LARGE, PLACE)) == LARGE


def test_what_looks_like_a_reference_refers_to_nothing(backend, tmp_path):
    (tmp_path.parent / "secret.json").write_text('"secret"')
    forged = {"__flowcore_object__": "../secret.json"}
    assert backend.deserialize(backend.serialize(forged, PLACE)) == forged


def test_no_id_leads_out_of_the_folder(tmp_path):
    backend = ObjectXComs(str(tmp_path / "xcoms"), threshold=0)
    backend.serialize(1, attrs.evolve(PLACE, dag_id="..", run_id="../../x", task_id="."))
    assert [name.split("/")[0] for name in files_in(tmp_path)] == ["xcoms"]


def test_a_later_try_removes_what_earlier_ones_left(backend, tmp_path):
    neighbour = backend.serialize(LARGE, attrs.evolve(PLACE, task_id="other"))
    backend.serialize(LARGE, PLACE)
    own = backend.serialize(LARGE, attrs.evolve(PLACE, token=4))
    backend.purge(attrs.evolve(PLACE, token=4, key=""))
    assert files_in(tmp_path) == sorted(stored["__flowcore_object__"] for stored in (own, neighbour))


def test_there_may_be_nothing_to_remove(backend):
    backend.purge(PLACE)


def test_what_cannot_be_written_is_told_with_the_storages_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(XComUnavailable, match=r"'k' cannot be written to .*/file/dag_id=d.*Error: .*; see"):
        ObjectXComs(str(tmp_path / "file"), threshold=0).serialize(1, PLACE)


def test_what_is_gone_is_told(backend, tmp_path):
    stored = backend.serialize(LARGE, PLACE)
    (tmp_path / stored["__flowcore_object__"]).unlink()
    with pytest.raises(XComUnavailable, match=r"an XCom cannot be read from .*FileNotFoundError"):
        backend.deserialize(stored)


def test_what_is_no_json_is_not_written(backend, tmp_path):
    with pytest.raises(TypeError):
        backend.serialize({"a": object()}, PLACE)
    assert files_in(tmp_path) == []
