"""Finding units, positions, roles and persons by what one types: name, code, pinyin in full or by initials."""

import re
from collections.abc import Callable
from typing import Any

from django.db.models import Q

LONGEST = 20


def named(code: str) -> Callable[[str, Any], Q]:
    """The search of a resource whose records have name, pinyin and this code column. These tables are small."""

    def found_by(text: str, person: Any) -> Q:
        condition = Q(name__icontains=text) | Q(**{f"{code}__icontains": text})
        letters = text.lower()
        if re.fullmatch(f"[a-z]{{1,{LONGEST}}}", letters):
            initials = " ".join(f"{letter}[a-z]*" for letter in letters)
            condition |= Q(pinyin__regex=f"(^| ){initials}") | Q(pinyin__regex=f"(^| ){' ?'.join(letters)}")
        return condition

    return found_by
