"""What is done with customer files."""

from collections.abc import Mapping
from typing import Annotated, Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Person
from neiqin.modules.customers import fields, quality, queries, states
from neiqin.modules.customers.models import Address, Alias, Contact, Customer, InvoiceProfile, Licence

NUMBERS = Numbers("number", Pattern("KH", digits=6))
REACHED_BY = ("mobile", "phone", "wechat", "email")
PASTE = (("name", "consignee"), ("phone", "mobile"), ("region", "region"), ("street", "street"))
CUSTOMER = Shape(
    fields.FORM,
    (
        Lines("contacts", "联系人", Contact, "customer", fields.CONTACT, 1, "加联系人", fields.CONTACTS),
        Lines("addresses", "收货地址", Address, "customer", fields.ADDRESS, 0, "加收货地址", fields.ADDRESSES, PASTE),
        Lines("invoices", "开票信息", InvoiceProfile, "customer", fields.INVOICE, 0, "加开票信息", fields.INVOICES),
        Lines("licences", "证照", Licence, "customer", fields.LICENCE, 0, "加证照", fields.PROFILE),
        Lines("aliases", "曾用名", Alias, "customer", fields.ALIAS, 0, "加曾用名"),
    ),
)
CHANGED = Shape(tuple(f for f in CUSTOMER.fields if f is not fields.obtained_on), CUSTOMER.lines)


def complete(batch: NewBatch[Customer]) -> Mapping[int, Refusal]:
    """A new file needs a contact who can be reached, and no other file may be the same company (C-CUS-01)."""
    problems = {p: r for p, row in batch.rows.items() if (r := _unreachable(row["contacts"]) or _unending(row))}
    problems = _unknown(batch, batch.rows) | problems
    return problems | _known(batch, {p: row["uscc"] for p, row in batch.rows.items() if p not in problems})


def still_complete(batch: Batch[Customer], changes: Changes) -> Mapping[int, Refusal]:
    """An edit may neither take the last way to reach the customer nor the code of another."""
    problems = _unknown(batch, changes)
    for customer, change in changes.items():
        rows = [row for row in change.get("contacts", ()) if not row.get("id") and not row.get("delete")]
        if refusal := _unreachable(rows) or _unending(change):
            problems[customer] = refusal
    return problems | _known(batch, {i: change["uscc"] for i, change in changes.items() if change.get("uscc")})


def seen_again(batch: Batch[Customer], changes: Changes) -> None:
    """Who edits a file has looked at it. A former name stays as an alias. From which day the change holds is told."""
    dated = {i: on for i, change in changes.items() if (on := change.get("effective_on"))}
    batch.tell({i: {"note": f"{on} 起生效", "effective_on": f"{on}"} for i, on in dated.items()})
    today = clock.today()
    now = {c.pk: c.name for c in batch if "name" in changes[c.pk]}
    former = Customer.objects.filter(pk__in=now).values_list("pk", "name")  # as stored: the new one is written later
    renamed = [Alias(customer_id=pk, name=name, until_on=today) for pk, name in former if name != now[pk]]
    Alias.objects.bulk_create(renamed)
    _reviewed(batch)


def _reviewed(batch: Batch[Customer]) -> None:
    has, weighing = queries.lines_of(batch.ids), quality.weights()
    batch.set(reviewed_on=clock.today())
    batch.set_each("completeness", {c.pk: quality.percent(c, has[c.pk], weighing) for c in batch})
    batch.set_each("licence_until", queries.licences_until(batch.ids))


def _unending(row: Mapping[str, Any]) -> Refusal | None:
    """A licence has a last day or none, and says which."""
    for position, licence in enumerate(row.get("licences") or ()):
        told = {"expires_on", "permanent"} <= licence.keys() or not licence.get("id")
        if told and not (licence.get("delete") or licence.get("expires_on") or licence.get("permanent")):
            text = f"「证照第 {position + 1} 行」没有写有效期至，长期有效就选长期。"
            return Refusal(text, f"licences-{position}-expires_on")
    return None


def _unknown(batch: Batch[Customer], rows: Mapping[int, Mapping[str, Any]]) -> dict[int, Refusal]:
    """Customers that a row points to must be there for the acting person, and another one than itself."""
    named = {row[name] for row in rows.values() for name in ("parent", "referrer") if row.get(name)}
    seen = Customer.objects.filter(Customer.visible_to(batch.by), pk__in=named) if named else Customer.objects.none()
    there, new = set(seen.values_list("pk", flat=True)), isinstance(batch, NewBatch)  # new: keys are positions
    return {
        key: Refusal(f"「{label}」不存在，或者就是这家客户，重新选。", name)
        for key, row in rows.items()
        for name, label in (("parent", "上级客户"), ("referrer", "转介绍人"))
        if row.get(name) and (row[name] not in there or (row[name] == key and not new))
    }


def _unreachable(contacts: list[dict[str, Any]]) -> Refusal | None:
    for position, contact in enumerate(contacts):
        if not any(contact.get(way) for way in REACHED_BY):
            field = f"contacts-{position}-mobile"
            return Refusal(f"「联系人第 {position + 1} 行」的手机、电话、微信、邮箱都空着，至少填一个。", field)
    return None


def _known(batch: Batch[Customer], codes: Mapping[int, str]) -> dict[int, Refusal]:
    """The registry code names one company; whoever has it already is named, without showing more of the file."""
    wanted = [code for code in codes.values() if code]
    if not wanted:
        return {}
    holders = Customer.objects.filter(uscc__in=wanted).values_list("uscc", "pk", "name", "owner__name")
    taken = {code: (pk, name, owner) for code, pk, name, owner in holders}
    problems, seen = {}, set()
    for key, code in codes.items():
        if code in taken and (isinstance(batch, NewBatch) or taken[code][0] != key):  # new: key is a position
            problems[key] = Refusal(f"这个信用代码已是「{taken[code][1]}」的，{_held(taken[code][2])}。", "uscc")
        elif code and code in seen:
            problems[key] = Refusal("同一批里有两家用了这个信用代码。", "uscc")
        seen.add(code)
    return problems


def _held(owner: str | None) -> str:
    return f"负责人 {owner}" if owner else "在公海里"


create = creating(Customer, CUSTOMER, numbers=NUMBERS, check=complete, label="新建客户")
edit = editing(Customer, CHANGED, check=still_complete, after=seen_again, said=(fields.EFFECTIVE,), label="修改客户")


@action(Customer, "确认无变化", may="customers.edit", event="reviewed", icon="circle-check", key="V")
def confirm_unchanged(customers: Batch[Customer]) -> None:
    """The files were looked at and still hold; they are due again after the interval of their class (C-CUS-04)."""
    _reviewed(customers)


@action(Customer, "移交", may="customers.hand_over", event="handed_over", icon="user-plus", key="A")
def hand_over(
    customers: Batch[Customer],
    *,
    to: Annotated[int, Field("to", "接手人", "person", required=True, ref="people.person")],
    note: Annotated[str, Field("note", "说明", "long", maxlength=300)] = "",
) -> None:
    """Give the files to another person; the unit goes with the owner. A key customer needs a manager (C-CUS-11)."""
    person = Person.objects.select_related("position").filter(pk=to, left_on=None).first()
    if person is None:
        customers.refuse(dict.fromkeys(customers.ids, Refusal("接手人不存在或已离职，换一位。", "to")))
        return
    customers.refuse({c.pk: "在公海里，到「公海」里分配。" for c in customers if c.owner_id is None})
    if not person.position.owns_key_customers:
        text = f"重点客户由销售经理或总监负责，{person.name}是{person.position.name}，换一位接手人。"
        customers.refuse({c.pk: Refusal(text, "to") for c in customers if c.level == fields.KEY})
    customers.refuse({c.pk: Refusal(f"已经是{person.name}负责。", "to") for c in customers if c.owner_id == to})
    customers.tell({c.pk: {"from": c.owner_id, "to": to, "note": note} for c in customers})
    customers.set(owner_id=person.pk, unit_id=person.unit_id)


@action(
    Customer,
    "停用",
    may="customers.deactivate",
    from_=states.ACTIVE,
    to=states.INACTIVE,
    event="deactivated",
    icon="circle-x",
    danger=True,
)
def deactivate(
    customers: Batch[Customer],
    *,
    reason: Annotated[str, Field("reason", "停用原因", "long", required=True, maxlength=300)],
) -> None:
    """Take the files out of use. They stay, with all that happened."""
    customers.tell({c.pk: {"reason": reason} for c in customers})


@action(
    Customer,
    "恢复使用",
    may="customers.deactivate",
    from_=states.INACTIVE,
    to=states.ACTIVE,
    event="reactivated",
    icon="rotate",
)
def reactivate(customers: Batch[Customer]) -> None:
    """Bring files back into use."""


@action(Customer, "确认等级", may="customers.confirm_level", event="level_confirmed", icon="star")
def confirm_level(
    customers: Batch[Customer],
    *,
    level: Annotated[str, Field("level", "等级", "choice", required=True, choices=fields.LEVELS)],
    owner: Annotated[
        int | None, Field("owner", "负责人", "person", ref="people.person", help="重点客户填销售经理或总监")
    ] = None,
) -> None:
    """Confirm the class. A key customer must be owned by a sales manager or the director (C-CUS-11)."""
    people = {
        p.pk: p
        for p in Person.objects.select_related("position").filter(pk__in={owner, *(c.owner_id for c in customers)})
    }
    if owner is not None and (owner not in people or people[owner].left_on is not None):
        customers.refuse(dict.fromkeys(customers.ids, Refusal("负责人不存在或已离职，换一位。", "owner")))
        return
    if level == fields.KEY:
        customers.refuse({c.pk: r for c in customers if (r := _needs_manager(people.get(owner or c.owner_id or 0)))})
    customers.tell({c.pk: {"from": c.level, "to": level} for c in customers})
    customers.set(level=level)
    if owner is not None:
        customers.set(owner_id=owner, unit_id=people[owner].unit_id)


def _needs_manager(person: Person | None) -> Refusal | None:
    if person is None:
        return Refusal("在公海里，没有负责人。选一位销售经理或总监负责，再确认为重点。", "owner")
    if person.position.owns_key_customers:
        return None
    return Refusal(
        f"重点客户由销售经理或销售总监负责，现在的负责人{person.name}是{person.position.name}。选一位经理或总监再确认。",
        "owner",
    )


@action(Customer, "看完整联系方式", may="customers.reveal", event="revealed", icon="eye", bulk=False)
def reveal(
    customers: Batch[Customer],
    *,
    reason: Annotated[str, Field("reason", "为什么要看", required=True, maxlength=100, help="会记在操作日志里")],
) -> None:
    """Show the contacts' personal values once, for a stated reason (practice.md 7.1)."""
    customers.tell({c.pk: {"reason": reason} for c in customers})
    customers.unchanged_but_told()
