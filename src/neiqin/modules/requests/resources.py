"""Screens and API of requests to other departments."""

from neiqin.kernel.resources.resource import Resource
from neiqin.modules.requests import fields, looking, requests
from neiqin.modules.requests.models import DepartmentRequest

request = Resource(
    DepartmentRequest,
    "跨部门需求",
    noun="件",
    icon="share",
    section="业务",
    slug="department-requests",
    fields=(fields.KEPT[0], *fields.REQUEST, *fields.KEPT[1:]),
    shape=requests.REQUEST,
    fast_sorts=("-created_at", "need_on"),
    found=("name", "number"),
    number="number",
    create=requests.create,
    actions=(requests.answer, requests.finish, requests.pass_on, requests.decline, requests.void),
    notes=looking.notes,
)
