from __future__ import annotations

from flowcore.domain.dag_sources import DagSource


def test_digest_is_that_of_the_text():
    one, same, other = (
        DagSource.of(text, path=path, folder="/dags")
        for text, path in [("a", "/1"), ("a", "/2"), ("b", "/1")]
    )
    assert one.digest == same.digest != other.digest


def test_same_text_elsewhere_is_imported_anew():
    assert DagSource.of("a", path="/1", folder="/").key != DagSource.of("a", path="/2", folder="/").key


def test_place_is_the_same_wherever_the_folder_is():
    sources = [DagSource.of("", path=f"{folder}/a/b.py", folder=folder) for folder in ("/dags", "/srv/dags")]
    assert [source.place for source in sources] == ["a/b.py", "a/b.py"]
