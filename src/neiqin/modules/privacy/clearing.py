"""Clearing a person's information out of the system (清除个人信息, PIPL art. 47; docs/decisions/0012-erasing.md)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from django.conf import settings
from django.db import transaction

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.models import Change, Held
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.redaction import redact
from neiqin.kernel.exchange import forgetting as exchanged
from neiqin.kernel.fields.field import Choice, Field, label_of
from neiqin.kernel.files import store
from neiqin.kernel.files.models import Attachment
from neiqin.kernel.guests.models import Guest, Invitation
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal import keys
from neiqin.kernel.personal.blobs import open_blob, seal_blob
from neiqin.kernel.personal.columns import PersonalText, Sealed, open_columns
from neiqin.kernel.printing import forgetting as printed
from neiqin.kernel.resources import finding, forgetting
from neiqin.kernel.resources.resource import site
from neiqin.modules.customers.actions import CUSTOMER
from neiqin.modules.customers.models import Address, Contact, Customer, FollowUp, Standing

MAY = "customers.erase"
MARK = "某联系人"
REASONS = (
    Choice("asked", "本人要求"),
    Choice("withdrawn", "撤回同意"),
    Choice("fulfilled", "目的已达成，不再需要"),
)
CUSTOMERS, FOLLOWUPS = "customers.customer", "customers.followup"
KINDS = (CUSTOMERS, FOLLOWUPS, "customers.pooled")
HELD = "有一笔提交还在等第二人复核，里面有这个人的信息，先复核或撤回再清除。"
BUSY = "客户的导入、导出或打印正在做，等它做完再清除。"
SHORTEST = 2  # of a word that is looked for in texts


@dataclass
class Person:
    """A person as known at one customer: the rows about them; all names and ways (phones, …) now and before; spoken:
    the names that are no part of the customer's own, which stays as it is in texts."""

    customer: Customer
    rows: list[Any]
    names: list[str]
    ways: list[str]
    spoken: list[str]

    @property
    def words(self) -> list[str]:
        """What is looked for in texts, the longest first, so that none is cut by another."""
        return sorted({w for w in (*self.ways, *self.spoken) if len(w) >= SHORTEST}, key=lambda w: (-len(w), w))

    @property
    def subjects(self) -> list[Any]:
        """Whose keys are destroyed."""
        return [row.subject for row in self.rows]


def person_of(customer: Customer, contact: int, address: int) -> Person | None:
    """The person of this contact (or this delivery address), with the customer's other rows of the same name and
    number; None if there is none, or it is cleared already."""
    rows: list[Any] = [*Contact.objects.filter(customer=customer, erased_at=None).order_by("id")]
    rows += Address.objects.filter(customer=customer, erased_at=None).order_by("id")
    chosen = next((r for r in rows if r.pk == (contact if isinstance(r, Contact) else 0 if contact else address)), None)
    if chosen is None:
        return None
    texts = {(type(r), r.pk): _texts(r) for r in rows}
    mine = texts[type(chosen), chosen.pk]
    same = [r for r in rows if r is chosen or _same(mine, texts[type(r), r.pk])]
    ways = {w for r in same for n, w in texts[type(r), r.pk].items() if n != "name" and w}
    former = [pair for r in same for pair in _former(r)]
    ways |= {w for n, w in former if n != "name"}
    name = mine["name"]
    names = {name, *(w for n, w in former if n == "name")} - {""}
    called = [customer.name, customer.short_name, *customer.aliases.values_list("name", flat=True)]
    called += customer.invoices.values_list("title", flat=True)
    spoken = {n for n in names if not any(n in text for text in called)}
    return Person(customer, same, sorted(names), sorted(ways), sorted(spoken))


def _former(row: Any) -> list[tuple[str, str]]:
    """What stood in a row's personal columns before, as its history has it sealed: (name or the column, text)."""
    columns = {f.name: f for f in row._meta.concrete_fields if isinstance(f, PersonalText)}
    found = []
    for before, after in Change.objects.filter(tbl=row._meta.db_table, row_id=row.pk).values_list("before", "after"):
        for name, value in [*(before or {}).items(), *(after or {}).items()]:
            if name in columns and value:
                (text,) = keys.open_many([(row.subject, bytes.fromhex(value[2:]))], columns[name].kind)
                found.append(("name" if name in ("name", "consignee") else name, text or ""))
    return [pair for pair in dict.fromkeys(found) if pair[1]]


def _texts(row: Any) -> dict[str, str]:
    """A row's personal values; who it is under `name`."""
    columns = [f.name for f in row._meta.concrete_fields if isinstance(f, PersonalText)]
    (found,) = open_columns([row], columns)
    return {"name" if n == "consignee" else n: text or "" for n, text in found.items()}


def _same(one: dict[str, str], other: dict[str, str]) -> bool:
    named = one["name"] == other["name"]
    return named and any(one.get(n) and one.get(n) == other.get(n) for n in ("mobile", "phone", "wechat", "email"))


@action(
    Customer, "清除个人信息", may=MAY, event="person_cleared", button=False, bulk=False, danger=True, icon="user-off"
)
def clear(
    customers: Batch[Customer],
    *,
    contact: Annotated[int, Field("contact", "联系人", "number", required=True, min=0)],
    address: Annotated[int, Field("address", "收货地址", "number", required=True, min=0)],
    reason: Annotated[str, Field("reason", "原因", "choice", choices=REASONS, required=True)],
    files: Annotated[str, Field("files", "删除的附件", maxlength=1000)] = "",
) -> None:
    """Destroy the keys of one person of one customer and take what is known of them out of texts, search, drafts,
    files and history. The row stays and says so. It cannot be undone."""
    customer = customers.records[0] if len(customers.records) == 1 else None
    person = person_of(customer, contact, address) if customer else None
    if customer is None or person is None:
        customers.refuse(dict.fromkeys(customers.ids, "这位联系人已经清除，或不在这家客户里。"))
        return
    if exchanged.busy(KINDS) or printed.busy(KINDS):
        customers.refuse(dict.fromkeys(customers.ids, BUSY))
        return
    waiting = _held(person)
    if any(one.closed_at is None for one in waiting):
        customers.refuse(dict.fromkeys(customers.ids, HELD))
        return
    Held.objects.filter(pk__in=[one.pk for one in waiting]).update(params=seal_blob(b"{}"))
    followups = list(FollowUp.objects.filter(customer=customer).values_list("pk", flat=True))
    _attachments(customer, [int(i) for i in files.split(",") if i.strip().isdecimal()], customers.by)
    _texts_of(person, followups)
    _rooms(person, followups, customers.by)
    now = customers.now
    for row in person.rows:
        columns = [f.name for f in row._meta.concrete_fields if isinstance(f, PersonalText)]
        type(row).objects.filter(pk=row.pk).update(erased_at=now, **{name: Sealed() for name in columns})
    guests = Guest.objects.filter(subject__in=person.subjects)
    open_ = Invitation.objects.filter(guest__in=guests, answered_at=None, revoked_at=None)
    open_.update(revoked_at=now)
    keys.erase(person.subjects)
    history(person, followups)
    for kind, ids in ((CUSTOMERS, [customer.pk]), (FOLLOWUPS, followups)):
        finding.reindex(site().resources[kind], ids)
    _remember(person)
    label = label_of(REASONS, reason)
    customers.tell({customer.pk: {"note": f"清除了一位联系人的个人信息：{label}"}})


def _held(person: Person) -> list[Held]:
    """Runs that waited for a second person, or still do, whose parameters hold what only this person has or a name."""
    rows = Held.objects.filter(action__startswith="customers.").iterator()
    said = [
        json.dumps(word, ensure_ascii=False)[1:-1] for word in (*person.ways, *person.names) if len(word) >= SHORTEST
    ]
    return [one for one in rows if any(word in open_blob(bytes(one.params)).decode() for word in said)]


def _texts_of(person: Person, followups: Sequence[int]) -> int:
    customer, words = person.customer, person.words
    changed = 0
    for rows, columns in (
        (Customer.objects.filter(pk=customer.pk), ("remark", "intention", "varieties", "business_scope")),
        (FollowUp.objects.filter(pk__in=followups), ("content", "headline", "result", "next_what")),
        (Standing.objects.filter(customer=customer), ("next_what",)),
        (Attachment.objects.filter(kind=CUSTOMERS, record_id=customer.pk, filed_at=None), ("name", "note")),
        (Notice.objects.filter(model=CUSTOMERS, record_id=customer.pk), ("title", "text")),
        (Notice.objects.filter(model=FOLLOWUPS, record_id__in=followups), ("title", "text")),
    ):
        changed += forgetting.texts(rows, columns, words, MARK)
    changed += forgetting.texts(Notice.objects.all(), ("title", "text"), [w for w in person.ways if len(w) > 5], MARK)
    for column in ("phone", "email"):
        customer.invoices.filter(**{f"{column}__in": person.ways}).update(**{column: ""})
    return changed


def _rooms(person: Person, followups: Sequence[int], by: Any) -> None:
    customer, sure = person.customer, [w for w in person.ways if len(w) >= SHORTEST]
    names = [n for n in person.names if len(n) >= SHORTEST]
    forgetting.drafts({CUSTOMERS: [customer.pk], FOLLOWUPS: list(followups)}, sure, names)
    forgetting.views(sure)
    beside = {customer.name, customer.number, customer.uscc, customer.short_name, str(customer.pk)} - {""}
    exchanged.imports(KINDS, sure, names, beside, MARK, by=by)
    exchanged.exports(KINDS)
    printed.prints(KINDS)


def history(person: Person, followups: Sequence[int]) -> int:
    """Take the words out of what history tells of the customer, its lines, follow-ups and attachments."""
    customer = person.customer
    rows: dict[str, list[int]] = {Customer._meta.db_table: [customer.pk], FollowUp._meta.db_table: list(followups)}
    for lines in CUSTOMER.lines:
        rows[lines.model._meta.db_table] = _ever(lines.model._meta.db_table, customer.pk)
    papers = Attachment.objects.filter(kind=CUSTOMERS, record_id=customer.pk)
    rows[Attachment._meta.db_table] = list(papers.values_list("pk", flat=True))
    return redact(person.words, MARK, rows=rows, records={CUSTOMERS: [customer.pk], FOLLOWUPS: followups})


def _ever(table: str, customer: int) -> list[int]:
    """Rows of a table of lines that are, or once were, this customer's."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.row_id FROM actions_event e JOIN actions_change c ON c.run_id = e.run_id AND c.tbl = %s "
            "WHERE e.model = %s AND e.record_id = %s",
            [table, CUSTOMERS, customer],
        )
        return [row[0] for row in cursor.fetchall()]


def _attachments(customer: Customer, chosen: Sequence[int], by: Any) -> None:
    """Remove these attachments that are not filed, with their bodies: filed ones are kept for as long as they must."""
    rows = Attachment.objects.filter(kind=CUSTOMERS, record_id=customer.pk, pk__in=chosen, filed_at=None)
    kept = [row.file for row in rows.select_related("file") if row.file is not None]
    rows.update(file=None, removed_at=clock.now(), removed_by=by.id)
    for stored in kept:
        if not Attachment.objects.filter(file=stored).exists():
            store.forget_when_committed(stored)


# After a restore


def _remember(person: Person) -> None:
    """Who was erased stands beside the data, not in it: a backup that is put back is older, and knows them still."""
    lines = "".join(f"{subject}\n" for subject in person.subjects)

    def write() -> None:
        with settings.ERASED.open("a", encoding="ascii") as file:
            file.write(lines)

    transaction.on_commit(write)


def again() -> int:
    """Clear anew whoever was cleared before and is there again, as after a restore. Gives how many. Repeatable."""
    if not settings.ERASED.exists():
        return 0
    subjects = set(settings.ERASED.read_text("ascii").split())
    done = 0
    for model, name in ((Contact, "contact"), (Address, "address")):
        rows = model.objects.filter(subject__in=subjects, erased_at=None)
        for pk, customer in list(rows.values_list("pk", "customer")):
            params = {"contact": 0, "address": 0, "reason": "asked"} | {name: pk}
            outcome = perform(clear, [customer], by=SYSTEM, params=params, source="restore", seconds=120)
            done += len(outcome.done)
    return done
