"""The positions of the regulations with their rights and written duties (C-ORG-02, C-ORG-10), as a company starts."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.fields.formats import pinyin_key
from neiqin.kernel.people.models import Duty, Grant, Position, PositionRole, Role

HERE = Path(__file__).parent
EVERYBODY = {"people.view": "all", "handover.view": "own"}
OWN_KEY_CUSTOMERS = ("sales_director", "sales_manager")  # C-CUS-11


def load() -> dict[str, Position]:
    """Make each position with a role of the same name, its grants and the first version of its duties; code ->
    position. For an empty database, inside the caller's run."""
    grants, made = json.loads((HERE / "grants.json").read_text()), {}
    stamps = {"created_at": clock.now(), "updated_at": clock.now()}
    for row in _positions():
        code, name = row["code"], row["name"]
        named: dict[str, Any] = {"code": code, "name": name, "pinyin": pinyin_key(name), **stamps}
        position = Position.objects.create(rank=row["rank"], owns_key_customers=code in OWN_KEY_CUSTOMERS, **named)
        role = Role.objects.create(**named)
        PositionRole.objects.create(position=position, role=role)
        wanted = EVERYBODY | grants[code]
        Grant.objects.bulk_create(Grant(role=role, permission=p, scope=s) for p, s in wanted.items())
        text = "\n".join(f"{n}. {duty['text']}" for n, duty in enumerate(row["duties"], 1))
        Duty.objects.create(position=position, number=1, text=text, published_at=clock.now())
        made[code] = position
    return made


def position_named(word: str) -> str:
    """The catalogue's name of a position for what people write (业务员 is 销售代表); other words as they are."""
    return _also_called().get(word.upper(), word)


@cache
def _also_called() -> dict[str, str]:
    names = json.loads((HERE / "synonyms.json").read_text())
    return {other: name for name, others in names.items() for other in others}


def _positions() -> list[dict[str, Any]]:
    return json.loads((HERE / "positions.json").read_text())
