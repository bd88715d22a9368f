"""flowcore: Airflow's core rebuilt on structured concurrency."""

from __future__ import annotations

__version__ = "0.1.0"
