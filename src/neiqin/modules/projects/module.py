"""What cross-department projects plug into the system."""

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.modules.projects import looking, projects, resources

module = Module(
    label="项目",
    resources=[resources.project],
    permissions={
        projects.VIEW: "看项目，说一周情况", "projects.create": "立项", projects.EDIT: "修改、完成、中止项目",
    },
    home=[looking.todos],
    plugs=[projects.TOLD],
    marks={resources.project.key: projects.marks},
    urls=[path("projects/board/", looking.board, name="projects_board")],
    menu=[MenuEntry("项目看板", looking.BOARD, "columns-3", "业务", projects.VIEW)],
    carries={"C-FLOW-14": looking.BOARD},
)  # fmt: skip
