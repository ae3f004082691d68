"""Screens and API of calls, call-backs and extensions."""

from neiqin.kernel.resources.resource import Related, Resource
from neiqin.modules.calls import backs, calling, fields, looking
from neiqin.modules.calls.models import Call, CallBack, Extension

call = Resource(
    Call,
    "电话记录",
    noun="通",
    icon="phone",
    section="业务",
    slug="calls",
    confidential=True,
    fields=(*fields.KEPT[:2], *fields.CALL, *fields.KEPT[2:]),
    shape=calling.CALL,
    fast_sorts=("-rang_at",),
    title="headline",
    number="number",
    create=calling.create,
    actions=(
        calling.answer, calling.transfer, calling.promise, calling.taken, calling.not_taken, calling.write_down,
        calling.reveal,
    ),
    reveals=calling.reveal,
    related=(Related("回电", backs.KEY, "call", ("headline", "owner", "promised_at", "delay_minutes", "state")),),
    notes=looking.notes,
)  # fmt: skip
callback = Resource(
    CallBack,
    "回电",
    noun="个",
    icon="phone",
    section="业务",
    slug="callbacks",
    confidential=True,
    fields=fields.BACK,
    fast_sorts=("promised_at",),
    title="headline",
    actions=(backs.call_back, backs.tried, backs.hand_on, calling.reveal_back, backs.void),
    reveals=calling.reveal_back,
    notes=looking.notes_of_back,
)
extension = Resource(
    Extension,
    "分机",
    noun="个",
    icon="phone",
    section="业务",
    tucked=True,
    slug="extensions",
    fields=fields.EXTENSION,
    shape=calling.create_extension.shape,
    fast_sorts=("name",),
    create=calling.create_extension,
    edit=calling.edit_extension,
)
