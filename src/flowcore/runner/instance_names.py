"""How an instance of a mapped task is called: what its `map_index_template` becomes when its code is over."""

from __future__ import annotations

import logging

from flowcore.domain.storable_texts import storable
from flowcore.domain.workloads import Workload
from flowcore.sdk.comms.messages import InstanceNamed
from flowcore.sdk.comms.questions import Comms, Question, call
from flowcore.sdk.context import Context
from flowcore.sdk.operators import BaseOperator
from flowcore.secrets.masking import PROCESS

log = logging.getLogger(__name__)

NAME_LENGTH_MAX = 250


def named(task: BaseOperator, workload: Workload, context: Context, comms: Comms) -> Question[None]:
    """Render the name with the context as the author's code left it, and post it.

    A name is for people: one that cannot be rendered is logged, and fails nothing.
    """
    if task.map_index_template is None or workload.map_index < 0:
        return
    try:
        name = yield from call(lambda: _rendered(task, context))
    except Exception as error:
        log.warning("the map_index_template of %s cannot be rendered: %s", workload, error)
    else:
        comms.post(InstanceNamed(name))


def _rendered(task: BaseOperator, context: Context) -> str:
    # Imported here because most tasks have no template; the fork server has it already.
    from flowcore.sdk.templates.rendering import templates_of

    name = str(templates_of(task).render_text(task.map_index_template or "", context))
    return storable(PROCESS.mask(name))[:NAME_LENGTH_MAX]
