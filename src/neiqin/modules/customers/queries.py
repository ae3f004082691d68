"""Finding customers."""

import re
from typing import Any

from django.db.models import Exists, OuterRef, Q

from neiqin.kernel.fields.formats import half_width
from neiqin.kernel.personal.keys import find_subjects
from neiqin.modules.customers.models import Contact


def found_by(text: str, person: Any) -> Q:
    """Customers that typed words find: number, name, short name, initials, contact, phone (whole or last four)."""
    plain = half_width(text)
    digits = re.sub(r"[\s-]", "", plain)
    if digits.isdecimal() and len(digits) >= 4:
        subjects = [
            s
            for column in ("mobile", "phone")
            for s in find_subjects(digits, f"{column}{':last4' if len(digits) == 4 else ''}")
        ]
        return Q(pk__in=Contact.objects.filter(subject__in=subjects).values("customer_id")) | Q(number__endswith=digits)
    if re.fullmatch(r"[Kk][Hh]\d+", plain):
        return Q(number=plain.upper())
    condition = Q(name__icontains=plain) | Q(short_name__icontains=plain)
    # Asked row by row inside the scope: an IN over all contacts would read every contact of the company.
    condition |= Q(Exists(Contact.objects.filter(customer=OuterRef("pk"), name__icontains=plain)))
    return condition | Q(mnemonic__startswith=plain.lower()) if plain.isascii() else condition
