"""What is known of the task instances of a run, and what is decided about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import attrs

from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.workloads import NO_EFFECTS, TryEffects

#: A task instance of a run: position and map index.
Key = tuple[int, int]


class Instance(NamedTuple):
    """What is known of a task instance; its effects count if it succeeded."""

    position: int
    map_index: int
    state: TaskInstanceState | None
    effects: TryEffects = NO_EFFECTS


@attrs.frozen
class RunChanges:
    """What to write: new states, and the run's state if it ended (with the reason).

    `stops` says that all task instances that have not ended, but for teardowns, are to be skipped at once:
    which these were is to be settled then. `expansions` are by position the map indexes of the instances that
    a mapped task gets; index 0 is what was index -1 so far. Their states are among the new ones if they are
    decided. `errors` tell people of some states why.
    """

    states: Mapping[Key, TaskInstanceState]
    run_state: DagRunState | None = None
    reason: str | None = None
    stops: bool = False
    expansions: Mapping[int, range] = attrs.field(factory=dict)
    errors: Mapping[Key, str] = attrs.field(factory=dict)

    def then(self, later: RunChanges) -> RunChanges:
        """These changes and those that came after them, as one."""
        return attrs.evolve(
            later,
            states={**self.states, **later.states},
            expansions={**self.expansions, **later.expansions},
            errors={**self.errors, **later.errors},
        )
