from neiqin.kernel.actions.records import creating, editing
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.resources.resource import Resource
from tests.stranger.models import FIELDS, Sample

sample = Resource(
    Sample,
    "样品",
    noun="件",
    icon="package",
    section="业务",
    fields=FIELDS,
    shape=Shape(FIELDS),
    fast_sorts=("name",),
    create=creating(Sample, Shape(FIELDS)),
    edit=editing(Sample, Shape(FIELDS)),
)
