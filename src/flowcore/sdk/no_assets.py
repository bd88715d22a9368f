"""What the context says of assets as long as flowcore has none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from flowcore.errors import UsageError


class NoAssetEvents(Mapping[Any, Any]):
    """`inlet_events` and `outlet_events`: empty, and an error for who asks for one."""

    def __getitem__(self, asset: Any) -> NoReturn:
        raise UsageError(
            f"there are no events of {asset!r}: flowcore has no assets yet; push an XCom,"
            " or trigger the other Dag"
        )

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0
