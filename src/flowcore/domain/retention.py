"""What `flowcore db clean` takes for old."""

from __future__ import annotations

from datetime import datetime

import attrs


@attrs.frozen(kw_only=True)
class Retention:
    """Runs that ended before a moment are old; of these Dags only (None: of all), and not of those spared."""

    before: datetime
    dag_ids: frozenset[str] | None = None
    spared_dag_ids: frozenset[str] = frozenset()
