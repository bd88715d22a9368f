"""Where runs come from, which of these a Dag allows, and how runs may be called."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum

from flowcore.errors import UsageError

#: What the name of a run consists of, unless an operator says otherwise.
RUN_ID_PATTERN = r"^[A-Za-z0-9_.~:+-]+$"
RUN_ID_LENGTH_MAX = 250


class DagRunType(StrEnum):
    """What made a run. Names that were made up begin with it and two underscores."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    BACKFILL = "backfill"
    OPERATOR_TRIGGERED = "operator_triggered"
    ASSET_TRIGGERED = "asset_triggered"
    ASSET_MATERIALIZATION = "asset_materialization"


def require_allowed(dag_id: str, allowed: Collection[str] | None, wanted: DagRunType) -> None:
    """Refuse a run of a type that its Dag does not allow; None allows all.

    Raises:
        UsageError: it does not.
    """
    if allowed is not None and wanted not in allowed:
        raise UsageError(
            f"Dag {dag_id!r} allows no {wanted} runs, only {', '.join(sorted(allowed)) or 'none at all'};"
            " see its allowed_run_types"
        )


def check_run_id(run_id: str, run_type: DagRunType, *, pattern: str = RUN_ID_PATTERN) -> None:
    """Refuse a name that somebody chose for a run.

    Raises:
        UsageError: it is too long, has characters that are not allowed, or is kept for runs of another type.
    """
    if not re.fullmatch(pattern, run_id):
        raise UsageError(
            f"a run cannot be called {run_id!r}; choose a name that matches {pattern}, the setting"
            " allowed_run_id_pattern"
        )
    if len(run_id) > RUN_ID_LENGTH_MAX:
        raise UsageError(
            f"the name {run_id[:40]!r}… has {len(run_id)} characters; use at most {RUN_ID_LENGTH_MAX}"
        )
    for other in DagRunType:
        if other is not run_type and run_id.startswith(f"{other}__"):
            raise UsageError(
                f"a {run_type} run cannot be called {run_id!r}, which is kept for {other} runs; choose a name"
                f" that does not begin with {other}__"
            )
