"""What files plug into the system."""

from django.urls import path

from neiqin.kernel.files import care, originals, pages
from neiqin.kernel.files.attach import Attachments
from neiqin.kernel.files.store import sweep
from neiqin.kernel.resources.resource import Module

module = Module(
    label="附件",
    plugs=[Attachments(), originals.Originals()],
    panels={"*": [pages.panel]},
    api=["neiqin.kernel.files.api.add_endpoints"],
    hourly=[sweep, care.sweep_removed],
    urls=[
        path("files/originals/", originals.add, name="originals"),
        path("files/originals/<slug:which>/", originals.about),
        path("files/originals/<slug:which>/<int:page>/", originals.picture),
        path("files/<str:kind>/<int:record_id>/", pages.of_record, name="files"),
        path("files/<int:attachment>/", pages.download),
        path("files/<int:attachment>/preview/", pages.preview),
        path("files/<int:attachment>/preview/<int:page>/", pages.picture),
        path("files/<int:attachment>/<slug:verb>/", pages.act),
    ],
)
