"""Where the log of a try is: `dag_id=…/run_id=…/task_id=…/[map_index=…/]attempt=N.log`, as in Airflow.

That of the Dag's own callbacks is in the folder of the run.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import quote, unquote

from flowcore.domain.workloads import Workload

#: What file systems allow for a name is 255 bytes.
_NAME_BYTES_MAX = 200
#: Who has a log beside the tasks of a run.
CALLBACKS = "callbacks"
_ATTEMPT = re.compile(r"attempt=([0-9]+)\.log")


def log_path(workload: Workload) -> Path:
    """The log of a try, relative to the folder of all logs."""
    folder = task_instance_folder(
        workload.run.dag_id, workload.run.run_id, workload.task_id, workload.map_index
    )
    return folder / f"attempt={workload.try_number}.log"


def run_folder(dag_id: str, run_id: str) -> Path:
    """Where the logs of a run are, relative to the folder of all logs."""
    return Path(_part("dag_id", dag_id), _part("run_id", run_id))


def callbacks_path(dag_id: str, run_id: str) -> Path:
    """Where the log of a Dag's callbacks for a run is, relative to the folder of all logs."""
    return run_folder(dag_id, run_id) / f"{CALLBACKS}.log"


def task_instance_folder(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Path:
    """Where the logs of a task instance's tries are, relative to the folder of all logs."""
    folder = run_folder(dag_id, run_id) / _part("task_id", task_id)
    return folder if map_index < 0 else folder / f"map_index={map_index}"


def try_numbers(folder: Path) -> list[int]:
    """Which tries have left a log in the folder of a task instance, ascending."""
    found = (_ATTEMPT.fullmatch(path.name) for path in folder.glob("attempt=*.log"))
    return sorted(int(match[1]) for match in found if match)


def task_of_log(path: Path) -> str:
    """Whose log is there, for people: `extract`, `extract[3]`, `callbacks` of the Dag."""
    names = dict(part.split("=", 1) for part in path.parent.parts if "=" in part)
    index = f"[{names['map_index']}]" if "map_index" in names else ""
    return unquote(names.get("task_id", CALLBACKS)) + index


def _part(name: str, value: str) -> str:
    # Ids of runs are free texts: no slash, no NUL and no end of the allowed length may get into a path.
    text = f"{name}={quote(value, safe='+:@=, ')}"
    if len(text) <= _NAME_BYTES_MAX:
        return text
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: _NAME_BYTES_MAX - 20]}…{digest[:16]}"
