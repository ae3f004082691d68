from typing import Annotated

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import creating, editing
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.people.models import Person
from neiqin.kernel.resources.resource import Resource
from tests.stranger.models import FIELDS, Sample


@action(Sample, "移交", may="stranger.edit", event="handed_over", button=False, bulk=False)
def hand_over(
    samples: Batch[Sample],
    *,
    to: Annotated[int, Field("to", "接手人", "person", required=True, ref="people.person")],
    note: Annotated[str, Field("note", "说明")] = "",
) -> None:
    person = Person.objects.get(pk=to)
    samples.refuse({s.pk: "急件不移交。" for s in samples if s.name.startswith("急")})
    samples.tell({s.pk: {"note": note} for s in samples})
    samples.set(owner_id=person.pk, unit_id=person.unit_id)


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
    hand_over=hand_over,
)
