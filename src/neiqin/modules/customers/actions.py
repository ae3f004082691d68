"""What is done with customer files."""

from collections.abc import Mapping
from typing import Annotated, Any

from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Person
from neiqin.modules.customers import fields, states
from neiqin.modules.customers.models import Address, Contact, Customer

NUMBERS = Numbers("number", Pattern("KH", digits=6))
REACHED_BY = ("mobile", "phone", "wechat", "email")
CONTACTS = Lines("contacts", "联系人", Contact, "customer", fields.CONTACT, min=1, add_label="加联系人")
ADDRESSES = Lines("addresses", "收货地址", Address, "customer", fields.ADDRESS, add_label="加收货地址")
CUSTOMER = Shape(fields.FORM, (CONTACTS, ADDRESSES))


def complete(batch: NewBatch[Customer]) -> Mapping[int, Refusal]:
    """A new file needs a contact who can be reached, and no other file may be the same company (C-CUS-01)."""
    problems = {p: r for p, row in batch.rows.items() if (r := _unreachable(row["contacts"]))}
    return problems | _known(batch, {p: row["uscc"] for p, row in batch.rows.items() if p not in problems})


def still_complete(batch: Batch[Customer], changes: Changes) -> Mapping[int, Refusal]:
    """An edit may neither take the last way to reach the customer nor the code of another."""
    problems: dict[int, Refusal] = {}
    for customer, change in changes.items():
        rows = [row for row in change.get("contacts", ()) if not row.get("id") and not row.get("delete")]
        if refusal := _unreachable(rows):
            problems[customer] = refusal
    return problems | _known(batch, {i: change["uscc"] for i, change in changes.items() if change.get("uscc")})


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
edit = editing(Customer, CUSTOMER, check=still_complete, label="修改客户")


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
