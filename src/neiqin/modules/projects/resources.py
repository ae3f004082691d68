"""Screens and API of projects."""

from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.projects import fields, looking, projects
from neiqin.modules.projects.models import Project, Week

project = Resource(
    Project,
    "项目",
    noun="个",
    icon="flag",
    section="业务",
    tucked=True,
    slug="projects",
    fields=(fields.KEPT[0], *fields.PROJECT, *fields.KEPT[1:]),
    shape=projects.PROJECT,
    fast_sorts=("-due_on",),
    found=("name", "number"),
    number="number",
    create=projects.create,
    edit=projects.edit,
    actions=(projects.tell, projects.finish, projects.stop),
    kept=(Lines("weeks", "每周情况", Week, "project", fields.WEEK),),
    notes=looking.notes,
)
