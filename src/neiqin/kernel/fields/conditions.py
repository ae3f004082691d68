"""A small condition tree over fields: what filters, saved views and (later) rules share.

A condition is {"all": [...]}, {"any": [...]} or {"field": name, "op": op, "value": value}. It is data: it is stored in
saved views, travels in addresses and never contains code.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Q

from neiqin.kernel import clock
from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.fields.formats import BadFormat

DEPTH = 4
WIDTH = 50

OPERATORS: dict[str, tuple[tuple[str, str], ...]] = {
    "text": (("has", "包含"), ("is", "等于"), ("starts", "开头是"), ("empty", "为空")),
    "choice": (("in", "是"), ("not", "不是"), ("empty", "为空")),
    "number": (("is", "等于"), ("min", "不小于"), ("max", "不大于"), ("empty", "为空")),
    "date": (("span", "在"), ("from", "不早于"), ("to", "不晚于"), ("empty", "为空")),
    "bool": (("is", "是"),),
    "reference": (("in", "是"), ("not", "不是"), ("empty", "为空")),
}
SPANS = {
    "today": "今天",
    "yesterday": "昨天",
    "week": "本周",
    "month": "本月",
    "last_month": "上月",
    "quarter": "本季",
    "year": "今年",
}
FAMILY = {"state": "choice", "money": "number", "quantity": "number", "percent": "number", "moment": "date"}


class BadCondition(ValueError):
    """The condition names an unknown field or operator, or a value that does not fit; the message is Chinese."""


def family(field: Field) -> str:
    """Which operators a field has: text, choice, number, date, bool or reference."""
    if field.kind in REFERENCE_KINDS:
        return "reference"
    kind = FAMILY.get(field.kind, field.kind)
    return kind if kind in OPERATORS else "text"


def to_q(condition: Mapping[str, Any], fields: Mapping[str, Field], *, depth: int = 0) -> Q:
    """The Django condition. `fields`: those the person may see and filter by. Raises BadCondition."""
    for word, connector in (("all", Q.AND), ("any", Q.OR)):
        if word in condition:
            parts = condition[word]
            if depth >= DEPTH or not isinstance(parts, Sequence) or len(parts) > WIDTH:
                raise BadCondition("筛选条件太深或太多。")
            return Q(*(to_q(part, fields, depth=depth + 1) for part in parts), _connector=connector)
    field = fields.get(str(condition.get("field")))
    if field is None or not field.filter:
        raise BadCondition(f"不能按「{condition.get('field')}」筛选。")
    op = str(condition.get("op"))
    if op not in dict(OPERATORS[family(field)]):
        raise BadCondition(f"「{field.label}」没有「{op}」这种比较。")
    try:
        return _leaf(field, op, condition.get("value"))
    except BadFormat as error:
        raise BadCondition(f"筛选「{field.label}」：{error}") from None


def _leaf(field: Field, op: str, value: Any) -> Q:
    path, kind = field.path, family(field)
    if op == "empty":
        return Q(**{path: ""}) if kind in ("text", "choice") else Q(**{f"{path}__isnull": True})
    if op in ("in", "not"):
        wanted = [field.parse(part) for part in _many(value)]
        return ~Q(**{f"{path}__in": wanted}) if op == "not" else Q(**{f"{path}__in": wanted})
    if op == "span":
        low, high = span(str(value))
        return _dates(field, low, high)
    parsed = field.but(required=True, maxlength=200).parse(value)
    if kind == "date":
        return _dates(field, parsed if op == "from" else None, parsed if op == "to" else None)
    lookup = {"has": "__icontains", "starts": "__istartswith", "min": "__gte", "max": "__lte"}.get(op, "")
    return Q(**{f"{path}{lookup}": parsed})


def _many(value: Any) -> list[Any]:
    parts = value if isinstance(value, (list, tuple)) else str(value).split(",")
    if len(parts) > 500:
        raise BadFormat("一次最多选 500 个。")
    return list(parts)


def _dates(field: Field, low: date | None, high: date | None) -> Q:
    """Both ends inclusive; a moment is compared by the company's days."""
    if field.kind == "moment":
        zone = clock.zone()
        from datetime import datetime, time

        bounds = {}
        if low:
            bounds[f"{field.path}__gte"] = datetime.combine(low, time(), zone)
        if high:
            bounds[f"{field.path}__lt"] = datetime.combine(high + timedelta(days=1), time(), zone)
        return Q(**bounds)
    return Q(**{f"{field.path}__{end}": day for end, day in (("gte", low), ("lte", high)) if day})


def span(name: str) -> tuple[date, date]:
    """First and last day of a named span (today, week, month, …), or of `2026-11-01..2026-11-20`."""
    today = clock.today()
    first = today.replace(day=1)
    if ".." in name:
        low, _, high = name.partition("..")
        try:
            return date.fromisoformat(low), date.fromisoformat(high)
        except ValueError:
            raise BadFormat("日期写成 2026-11-01..2026-11-20。") from None
    quarter = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    spans = {
        "today": (today, today),
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "week": (today - timedelta(days=today.weekday()), today + timedelta(days=6 - today.weekday())),
        "month": (first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)),
        "last_month": ((first - timedelta(days=1)).replace(day=1), first - timedelta(days=1)),
        "quarter": (quarter, (quarter + timedelta(days=93)).replace(day=1) - timedelta(days=1)),
        "year": (today.replace(month=1, day=1), today.replace(month=12, day=31)),
    }
    if name not in spans:
        raise BadFormat(f"没有「{name[:20]}」这段时间。")
    return spans[name]


def describe(condition: Mapping[str, Any], fields: Mapping[str, Field], names: Mapping[Any, str]) -> tuple[str, str]:
    """Label and text of a simple condition for its chip; `names` maps (kind, id) of references to their names."""
    field = fields[condition["field"]]
    op, value = condition["op"], condition.get("value")
    if op == "empty":
        return field.label, "为空"
    if op == "span":
        return field.label, SPANS.get(str(value), str(value))
    if family(field) in ("choice", "reference"):
        shown = [
            field.choice(v).label if field.choices else names.get((field.kind, int(v)), str(v)) for v in _many(value)
        ]
        text = "、".join(shown[:3]) + (f" 等 {len(shown)} 个" if len(shown) > 3 else "")
    else:
        text = ("是" if value in (True, "true", "1") else "否") if field.kind == "bool" else str(value)
    word = dict(OPERATORS[family(field)])[op]
    return field.label, text if op in ("in", "is", "has") else f"{word} {text}"
