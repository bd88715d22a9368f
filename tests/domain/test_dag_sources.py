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
