"""How good a customer file is: entered in time, complete, looked at again, licences in force (C-CUS-03, 04, 16).

What counts how much, and the days, are decision tables that people change (`rules/`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.deadlines import calendar
from neiqin.kernel.fields.field import Field
from neiqin.kernel.rules.decide import decide
from neiqin.modules.customers import fields

ENTRY, LICENCE = "录入", "证照到期提醒"
REVIEWS = {c.value: f"{c.label}客户核对" for c in fields.LEVELS}
LINES = {
    "addresses": Field("addresses", "收货地址", right=fields.ADDRESSES),
    "invoices": Field("invoices", "开票信息", right=fields.INVOICES),
    "licences": Field("licences", "证照", right=fields.PROFILE),
}
WEIGHED = {f.name: f for f in fields.FORM if f.name not in ("name", "owner", "obtained_on")} | LINES


def days(*items: str) -> list[int]:
    """The limits that 《客户档案期限》 sets today: working days for 录入, else calendar days."""
    found = decide("customers.limits", [{"item": item} for item in items], clock.today())
    return [int(d.outputs["days"]) for d in found]


def weights() -> dict[str, int]:
    """What each field or kind of line weighs today; what weighs nothing is left out."""
    found = decide("customers.completeness", [{"field": f.label} for f in WEIGHED.values()], clock.today())
    return {name: w for name, d in zip(WEIGHED, found, strict=True) if (w := int(d.outputs["weight"]))}


def gaps(record: Any, lines: Collection[str], weighing: Mapping[str, int]) -> list[str]:
    """Names of what is still empty. lines: kinds of which the record has at least one."""
    return [n for n in weighing if not (n in lines if n in LINES else getattr(record, WEIGHED[n].path))]


def percent(record: Any, lines: Collection[str], weighing: Mapping[str, int]) -> int:
    """Completeness, 0 to 100: the weight of what is there in the weight of all."""
    whole = sum(weighing.values())
    missing = sum(weighing[n] for n in gaps(record, lines, weighing))
    return round((whole - missing) * 100 / whole) if whole else 100


def begin(records: Sequence[Any], batch: Any) -> dict[int, Refusal]:
    """New files: who entered them and whether in time, how complete they are, looked at today. Refusals by position."""
    if not records:
        return {}
    today, weighing, (limit,), working = clock.today(), weights(), days(ENTRY), calendar.current()
    problems = {}
    for position, (record, row) in enumerate(zip(records, batch.rows.values(), strict=True)):
        record.obtained_on = record.obtained_on or today
        if record.obtained_on > today:
            problems[position] = Refusal("「获得日期」还没有到，改成今天或以前。", "obtained_on")
            continue
        record.entered_by_id, record.reviewed_on = batch.by.id or None, today
        record.late = today > working.add_working_days(record.obtained_on, limit)
        record.completeness = percent(record, [n for n in LINES if row.get(n)], weighing)
        record.licence_until = soonest(x.get("expires_on") for x in row.get("licences") or ())
    return problems


def soonest(dates: Any) -> date | None:
    """The first of these days, None among them left out."""
    return min((d for d in dates if d), default=None)
