"""Assets that look alike and are not: one name with several URIs, or one URI with several names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from flowcore.domain.assets import AssetKey


def spelling_complaints(
    used: Iterable[tuple[str, AssetKey]], *, about: Collection[str] | None = None
) -> Iterator[str]:
    """What is wrong, in sentences; `used` are Dags with assets that they name, all of them.

    With `about` only what concerns these Dags.
    """
    by_name = defaultdict[str, dict[str, set[str]]](dict)
    by_uri = defaultdict[str, dict[str, set[str]]](dict)
    for dag_id, key in used:
        by_name[key.name].setdefault(key.uri, set()).add(dag_id)
        by_uri[key.uri].setdefault(key.name, set()).add(dag_id)
    for what, others, found in (("name", "URIs", by_name), ("URI", "names", by_uri)):
        for value, spelled in sorted(found.items()):
            if len(spelled) > 1 and (about is None or not set().union(*spelled.values()).isdisjoint(about)):
                named = ", ".join(f"{one!r} in Dag {min(dags)!r}" for one, dags in sorted(spelled.items()))
                yield (
                    f"the asset {what} {value!r} goes with several {others}: {named}; these are different"
                    " assets, and an update of one is none of the others: spell them alike"
                )
