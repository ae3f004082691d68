"""Whose number it is: contacts' mobiles and landlines, consignees, and the telephones on customers' invoices."""

import re
from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from neiqin.kernel.fields import formats
from neiqin.kernel.fields.formats import BadFormat, half_width
from neiqin.kernel.personal.keys import find_many
from neiqin.modules.customers.models import Address, Contact, InvoiceProfile

PURPOSES = ("mobile", "phone")
NOBODY = frozenset(
    {"", "匿名", "未知", "未显示", "无", "-", "anonymous", "unknown", "private", "restricted", "withheld"}
)
_DIALLED = re.compile(r"0(?=1[3-9]\d{9}$)")  # 0 before a mobile number of another town, as exchanges write it
MOST = 20


class Known(NamedTuple):
    """A customer with this number; subject: of the person whose it is, None for the company's; sealed: the row with
    the name, title: what he is there."""

    customer: int
    subject: UUID | None
    title: str
    row: Any = None


def canonical(text: str) -> str:
    """A number as a person or a telephone system writes it -> as it is stored; "" for a withheld one. What no format
    of ours fits keeps its digits (a short number, a foreign one). BadFormat: no number at all."""
    said = half_width(str(text or "")).strip().strip("'\"")
    if said.lower() in NOBODY:
        return ""
    plain = _DIALLED.sub("", re.sub(r"[\s()-]", "", said))
    try:
        return formats.phone(plain if plain.startswith("1") else said)
    except BadFormat:
        if re.fullmatch(r"\+?\d{3,20}", plain):
            return plain
        raise BadFormat("不是电话号码，写成 13800138000 或 0512-65880000。") from None


def recognise(numbers: Collection[str]) -> dict[str, list[Known]]:
    """Canonical number -> who has it, those still there first; in four queries however many numbers, all of them by
    exact match on an index."""
    found = find_many([(n, purpose) for n in set(numbers) if n for purpose in PURPOSES])
    subjects = {subject for some in found.values() for subject in some}
    people: dict[UUID, list[Known]] = defaultdict(list)
    for row in Contact.objects.filter(subject__in=subjects, erased_at=None).order_by("left", "pk") if subjects else ():
        people[row.subject].append(Known(row.customer_id, row.subject, "已离职" if row.left else row.title, row))
    for place in Address.objects.filter(subject__in=subjects, erased_at=None).order_by("pk") if subjects else ():
        people[place.subject].append(Known(place.customer_id, place.subject, "收货人", place))
    firms: dict[str, list[Known]] = defaultdict(list)
    for pk, phone in (
        InvoiceProfile.objects.filter(phone__in=set(numbers))
        .exclude(phone="")
        .values_list("customer_id", "phone")[:MOST]
    ):
        firms[phone].append(Known(pk, None, "开票电话"))
    answer: dict[str, list[Known]] = defaultdict(list)
    for (number, _), some in found.items():
        for subject in some[:MOST]:
            answer[number] += people.get(subject, [])
    for number, some_firms in firms.items():
        answer[number] += some_firms
    return answer
