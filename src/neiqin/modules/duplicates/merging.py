"""Merging customers into one, and parting them again: nothing is deleted, so that all of it can be put back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import orjson
from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.refusals import Refusal, RefuseLate
from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.fields.formats import company_name_key, initials, pinyin_key
from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.files.models import Attachment
from neiqin.kernel.personal.columns import open_columns
from neiqin.modules.customers import actions, fields, quality, queries, states
from neiqin.modules.customers.models import Alias, Customer, FollowUp
from neiqin.modules.duplicates.models import Merged

MAY = "duplicates.merge"
MOST = 10
EVERY = 1_000_000
KEEPS = timedelta(days=30)
CHOSEN = tuple(f for f in fields.FORM if f.name not in ("owner", "obtained_on"))
SAME_LINE = {
    "contacts": ("name", "mobile", "phone", "wechat", "email"),
    "addresses": ("consignee", "street"),
    "invoices": ("title", "tax_no"),
    "licences": ("kind", "number"),
    "aliases": ("name",),
}
# What says of a row that it changed, and is not itself a change.
STAMPS = {"version", "updated_at"}


@action(Customer, "合并", may=MAY, event="merged", button=False, icon="users")
def merge(
    customers: Batch[Customer],
    *,
    keep: Annotated[int, Field("keep", "留下哪家", "ref", ref="customers.customer", required=True)],
    values: Annotated[str, Field("values", "取值", "long", maxlength=1000, help="字段=客户，逗号隔开")] = "",
) -> None:
    """All but one go into that one. Owner, class and number are those of the one that stays (C-CUS-11); of the other
    information what is chosen in `values` (field=id, …), else what it has, else the newest there is (C-DATA-01)."""
    customers.refuse(_unfit(customers, keep))
    if not customers.records:
        return
    stays = next(c for c in customers if c.pk == keep)
    gone = sorted((c for c in customers if c is not stays), key=lambda c: c.updated_at, reverse=True)
    names = {c.name for c in customers} | {c.number for c in gone if c.number}
    _take(customers, stays, gone, _chosen(values, customers.by))
    filed = _move(customers, stays, gone, sorted(names - {stays.name}))
    customers.set_each("state", {c.pk: states.INACTIVE for c in gone})
    _count_anew(customers, stays)
    left = f"，{filed} 份已归档的附件留在原档案" if filed else ""
    into = {"note": f"并入 {stays.number} {stays.name}{left}", "into": keep}
    said = {"note": "合并自 " + "、".join(c.number or c.name for c in gone), "gone": [c.pk for c in gone]}
    customers.tell({c.pk: into for c in gone} | {keep: said})


def _unfit(customers: Batch[Customer], keep: int) -> dict[int, Refusal]:
    ids, before = customers.ids, Merged.objects.filter(gone_id__in=customers.ids)
    codes = {c.uscc for c in customers if c.uscc}
    text = ""
    if customers.refused:
        text = "选的里面有不能合并的，去掉再合并。"
    elif not 1 < len(ids) <= MOST:
        text = f"合并要选 2 到 {MOST} 家。"
    elif keep not in ids:
        return dict.fromkeys(ids, Refusal("「留下哪家」要在选的里面。", "keep"))
    elif before.exists():
        text = "选的里面有已经合并过的，去掉再合并。"
    elif len(codes) > 1:
        text = "信用代码不同，是两家公司。先核对信用代码。"
    elif any(c.pk == keep and c.state != states.ACTIVE for c in customers):
        text = "留下的那家停用了，先恢复使用。"
    return dict.fromkeys(ids, Refusal(text)) if text else {}


def _chosen(values: str, by: Any) -> dict[str, int]:
    """Field -> the customer whose value was chosen, of the fields that exist for who chooses."""
    seen = {f.name for f in CHOSEN if by.may(f.right)}
    pairs = (part.partition("=") for part in values.replace("\n", ",").split(",") if part.strip())
    return {
        name.strip(): int(i) for name, _, i in pairs if name.strip() in seen and i.strip().isdecimal() and len(i) < 19
    }


def attribute(field: Field) -> str:
    """Where a customer has the stored value of a field."""
    return f"{field.path}_id" if field.kind in REFERENCE_KINDS else field.path


def offered(stays: Customer, gone: Sequence[Customer], field: Field) -> Customer:
    """Whose value of a field is taken when nobody chooses."""
    name = attribute(field)
    return next((c for c in (stays, *gone) if getattr(c, name) not in (None, "")), stays)


def _take(customers: Batch[Customer], stays: Customer, gone: Sequence[Customer], chosen: Mapping[str, int]) -> None:
    """Give the one that stays what it takes of the others. Its code is cleared there first: it is unique."""
    by_id = {c.pk: c for c in customers}
    for field in CHOSEN:
        name, source = attribute(field), by_id.get(chosen.get(field.name, 0)) or offered(stays, gone, field)
        value = getattr(source, name)
        if field.ref == "customers.customer" and value in by_id:
            value = None
        if value == getattr(stays, name):
            continue
        if field.name == "uscc":
            Customer.objects.filter(pk=source.pk).update(uscc="")
            source.uscc = ""
        setattr(stays, name, value)
        customers.set_each(name, {stays.pk: value})
    stays.obtained_on = min(c.obtained_on for c in customers)
    derived = {"name_key": company_name_key(stays.name)[:100], "pinyin": pinyin_key(stays.name)[:300],
               "mnemonic": initials(stays.name)[:100], "obtained_on": stays.obtained_on}  # fmt: skip
    for name, value in derived.items():
        customers.set_each(name, {stays.pk: value})


def _move(customers: Batch[Customer], stays: Customer, gone: Sequence[Customer], names: Sequence[str]) -> int:
    """Bring what hangs on the others to the one that stays; returns how many filed attachments had to be left."""
    ids = [c.pk for c in gone]
    for lines in actions.CUSTOMER.lines:
        _move_lines(lines, stays.pk, ids)
    known = set(Alias.objects.filter(customer=stays).values_list("name", flat=True))
    today = clock.today()
    Alias.objects.bulk_create(Alias(customer=stays, name=n, until_on=today) for n in names if n not in known)
    FollowUp.objects.filter(customer_id__in=ids).update(customer_id=stays.pk)
    for pointer in ("parent", "referrer"):
        pointing = Customer.objects.filter(**{f"{pointer}_id__in": ids}).exclude(pk__in=customers.ids)
        pointing.update(**{f"{pointer}_id": stays.pk})
    papers = Attachment.objects.filter(kind=Customer._meta.label_lower, record_id__in=ids)
    papers.filter(filed_at=None).update(record_id=stays.pk)
    Merged.objects.bulk_create(
        Merged(gone=c, into=stays, run=customers.run, merged_at=customers.now, merged_by_id=customers.by.id)
        for c in gone
    )
    return papers.filter(removed_at=None).count()


def _move_lines(lines: Lines, keep: int, ids: Sequence[int]) -> None:
    """Lines that say something new; what is there already stays with the old file. One line is the default one."""
    rows = list(lines.model.objects.filter(customer_id__in=[keep, *ids]).order_by("id"))
    rows.sort(key=lambda r: r.customer_id != keep)
    personal = [f.name for f in lines.fields if f.personal and f.name in SAME_LINE[lines.name]]
    opened = open_columns(rows, personal) if personal and rows else [{} for _ in rows]
    seen, moved = set(), []
    for row, texts in zip(rows, opened, strict=True):
        same = tuple(texts.get(n) if n in texts else getattr(row, n) for n in SAME_LINE[lines.name])
        if row.customer_id != keep and same not in seen:
            moved.append(row.pk)
        seen.add(same)
    changed: dict[str, Any] = {"customer_id": keep}
    if any(f.name == "is_default" for f in lines.fields) and any(r.customer_id == keep for r in rows):
        changed["is_default"] = False
    lines.model.objects.filter(pk__in=moved).update(**changed)


def _count_anew(customers: Batch[Customer], stays: Customer) -> None:
    whole = quality.percent(stays, queries.lines_of([stays.pk])[stays.pk], quality.weights())
    customers.set_each("completeness", {stays.pk: whole})
    customers.set_each("licence_until", queries.licences_until([stays.pk]))


def of_gone(happened: Happened) -> None:
    """Effect of what is done with customers: one that was merged into another is left alone, and told where it is."""
    rows = Merged.objects.filter(gone_id__in=happened.ids).values_list("gone_id", "into__number", "into__name")
    if problems := {gone: f"已并入 {number} {name}，到那一家办。" for gone, number, name in rows}:
        raise RefuseLate(problems)


# Parting


@action(Customer, "撤销合并", may=MAY, event="parted", button=False, icon="arrow-back-up")
def part(customers: Batch[Customer]) -> None:
    """Undo a merge within 30 days: what it changed and nobody has changed since is as it was; the rest is told."""
    merges = list(Merged.objects.filter(gone_id__in=customers.ids))
    runs = {m.run for m in merges}
    rows = list(Merged.objects.filter(run__in=runs))
    whole = {i for m in rows for i in (m.gone_id, m.into_id)}
    if len(runs) != 1 or whole != set(customers.ids):
        customers.refuse(dict.fromkeys(customers.ids, "撤销要连同留下的和并掉的几家一起，一次一起合并。"))
    elif customers.now - rows[0].merged_at > KEEPS:
        customers.refuse(dict.fromkeys(customers.ids, f"合并超过 {KEEPS.days} 天，不能撤销。"))
    elif Merged.objects.filter(gone_id=rows[0].into_id).exists():
        customers.refuse(dict.fromkeys(customers.ids, "留下的那家后来又并到别处，先撤销那一次。"))
    if not customers.records:
        return
    standing = _put_back(runs.pop())
    now = Customer.objects.in_bulk(customers.ids)
    for record in customers:
        record.state = now[record.pk].state
    note = f"后来改过的留着：{'、'.join(standing)}" if standing else ""
    customers.tell({i: {"note": note} for i in customers.ids})


def _put_back(run: int) -> list[str]:
    """Take back a run's changes, the last first, where they still stand. Returns in words what does not."""
    standing: dict[str, int] = defaultdict(int)
    for change in reversed(history.changes_of(run, EVERY)):
        if not (_delete(change) if change.op == "I" else _restore(change)):
            standing[change.table] += 1
    return [f"{LABELS.get(table, '其他')} {count} 处" for table, count in standing.items()]


LABELS = {lines.model._meta.db_table: lines.label for lines in actions.CUSTOMER.lines} | {
    Customer._meta.db_table: "客户资料",
    FollowUp._meta.db_table: "跟进记录",
    Attachment._meta.db_table: "附件",
}


def _delete(change: Any) -> bool:
    """An added row goes if it is as it was added."""
    table = change.table
    with connection.cursor() as cursor:
        cursor.execute(
            f'DELETE FROM "{table}" t WHERE id = %s AND t IS NOT DISTINCT FROM jsonb_populate_record(NULL::"{table}", '
            "%s::jsonb)",
            [change.row, _json(change.after)],
        )
        return bool(cursor.rowcount)


def _restore(change: Any) -> bool:
    """Each changed value goes back to what it was if it is still what it was changed to. False if one is not."""
    table, columns = change.table, [c for c in change.after if c not in STAMPS]
    if not columns:
        return True
    stands = [f't."{c}" IS NOT DISTINCT FROM a."{c}"' for c in columns]
    sets = ", ".join(
        f'"{c}" = CASE WHEN {s} THEN b."{c}" ELSE t."{c}" END' for c, s in zip(columns, stands, strict=True)
    )
    known = f'jsonb_populate_record(NULL::"{table}", %s::jsonb)'
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT {" AND ".join(stands)} FROM "{table}" t, {known} a WHERE t.id = %s',
            [_json(change.after), change.row],
        )
        whole = cursor.fetchone()
        cursor.execute(
            f'UPDATE "{table}" t SET {sets} FROM {known} a, {known} b WHERE t.id = %s',
            [_json(change.after), _json(change.before), change.row],
        )
    return whole is not None and bool(whole[0])


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
