"""Screens and API of assigned tasks."""

from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.tasks import fields, looking, tasks
from neiqin.modules.tasks.models import AssignedTask, Report

task = Resource(
    AssignedTask,
    "交办",
    noun="件",
    icon="flag",
    section="业务",
    slug="assigned-tasks",
    fields=(fields.KEPT[0], *fields.TASK, *fields.KEPT[1:]),
    shape=tasks.TASK,
    fast_sorts=("-due_on",),
    found=("name", "number"),
    number="number",
    create=tasks.create,
    actions=(
        tasks.accept, tasks.hand_in, tasks.confirm, tasks.report, tasks.answer, tasks.send_back, tasks.reassign,
        tasks.void,
    ),
    kept=(Lines("reports", "汇报", Report, "task", fields.REPORT),),
    notes=looking.notes,
)  # fmt: skip
