"""What the quick line of the workbench knows about follow-ups."""

from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.fields.formats import day_in_words
from neiqin.kernel.resources import finding
from neiqin.kernel.resources.quick import Guess, Quick
from neiqin.modules.customers.resources import customer
from neiqin.modules.followups import followups

WEEKDAYS = "一二三四五六日"


def _follow(person: Any, rest: str) -> Guess | None:
    """澄江 电话说下周要样品 下周三: a customer by name or initials, what was said, when next."""
    word, _, said = rest.partition(" ")
    finding.catch_up([customer])
    found, total = finding.newest(customer, person, word, 2, "name")
    if not found:
        return None
    body, _, last = said.rpartition(" ")
    day = day_in_words(last, clock.today())
    said = body if day else said
    parts = [said] if said else []
    if day:
        parts.append(f"{day:%m-%d} 周{WEEKDAYS[day.weekday()]}再联系")
    if total is None or total > 1:
        parts.append("不止一家，写长一点更准")
    values = {"content": said} | ({"next_on": day.isoformat()} if day else {})
    return Guess(found[0][1], f"/customers/follow/?id={found[0][0]}", "记跟进", tuple(parts), values)


QUICKS = [Quick("跟进", "跟进 cjjm 要样品 周三", followups.MAY, _follow)]
