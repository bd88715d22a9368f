"""What the context says of the events of inlets as long as they cannot be looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from flowcore.errors import UsageError


class NoAssetEvents(Mapping[Any, Any]):
    """`inlet_events`: empty, and an error for who asks for one."""

    def __getitem__(self, asset: Any) -> NoReturn:
        raise UsageError(f"the events of {asset!r} cannot be looked up yet; push an XCom, or trigger the Dag")

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0
