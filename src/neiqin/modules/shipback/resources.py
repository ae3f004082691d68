"""Screens and API of files for platforms."""

from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.shipback import fields, handing, pages
from neiqin.modules.shipback.models import Handout, Told

handout = Resource(
    Handout,
    "回传文件",
    noun="个",
    icon="download",
    slug="shipback-files",
    fields=fields.HANDOUT,
    fast_sorts=("-created_at",),
    number="number",
    actions=(handing.void,),
    kept=(Lines("told", "写了哪些", Told, "handout", fields.TOLD),),
    notes=pages.notes,
)
