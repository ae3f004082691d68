"""What customers count; each figure opens its list."""

from typing import Any

from neiqin.kernel.figures.figure import counting
from neiqin.kernel.figures.periods import Period
from neiqin.kernel.people.scope import Scope
from neiqin.modules.customers.resources import customer

ACTIVE = {"field": "state", "op": "in", "value": "active"}


def _own(person: Any) -> dict[str, str]:
    return {"field": "owner", "op": "in", "value": str(person.id)}


def _new(person: Any, period: Period | None) -> list[dict[str, str]]:
    assert period is not None
    return [_own(person), {"field": "created_at", "op": "span", "value": period.span}]


def _helped(person: Any, _: Period | None) -> list[dict[str, str]] | None:
    """Customers of those she works for; nothing to say to who helps nobody."""
    owners = sorted((person.scope(customer.view_permission) or Scope()).owners - {person.id})
    return [{"field": "owner", "op": "in", "value": ",".join(map(str, owners))}, ACTIVE] if owners else None


FIGURES = [
    counting(
        "customers.mine",
        "我负责的客户",
        customer,
        "负责人是我、没有停用的客户",
        lambda person, _: [_own(person), ACTIVE],
        home=True,
    ),
    counting(
        "customers.new",
        "其中本月新建",
        customer,
        "负责人是我、本月建档的客户，含已停用的",
        _new,
        period="month",
        home=True,
    ),
    counting(
        "customers.helped", "我协助的人的客户", customer, "负责人是我协助的人、没有停用的客户", _helped, home=True
    ),
]
