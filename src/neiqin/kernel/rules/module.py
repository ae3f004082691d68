"""What decision tables plug into the system."""

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules import editor, views
from neiqin.kernel.rules.models import MANAGE, VIEW

module = Module(
    label="规则",
    permissions={VIEW: "看规则表", MANAGE: "改和发布规则表"},
    urls=[
        path("rules/", views.tables, name="rules"),
        path("rules/<str:code>/", views.table, name="rule_table"),
        path("rules/<str:code>/edit/", editor.edit, name="rule_edit"),
        path("rules/<str:code>/check/", editor.check, name="rule_check"),
    ],
    menu=[MenuEntry("规则表", "/rules/", "table", "管理", VIEW, tucked=True)],
)
