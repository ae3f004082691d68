"""恒川工业品: an invented company with people, rights and customers, dates relative to today."""

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from neiqin.demo.chats import hand_in, promote
from neiqin.demo.desk import open_desk, report
from neiqin.demo.life import live
from neiqin.demo.loans import lend
from neiqin.demo.offers import offer
from neiqin.demo.plans import plan
from neiqin.demo.shops import sell
from neiqin.demo.telephone import ring
from neiqin.demo.trouble import happen
from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.fields.formats import pinyin_key
from neiqin.kernel.numbering.series import continue_from
from neiqin.kernel.people.models import (
    Appointment,
    Login,
    Person,
    Unit,
    UnitPlace,
    WorksFor,
)
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.resource import site
from neiqin.modules.catalog.models import Product
from neiqin.modules.company import presets
from neiqin.modules.customers import fields
from neiqin.modules.customers.actions import NUMBERS, create, deactivate
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders.models import Order

HERE = Path(__file__).resolve().parent
PASSWORD = "Hengchuan@2026"  # noqa: S105 - printed by `make demo`; the demo listens on this machine only
SHOWN = ("linzhixia", "zhouqiming", "lujianguo", "xuman", "fangjingyi", "panyiming")
CHUNK = 60


def load() -> dict[str, Any]:
    """Load the demo company unless it is there; returns logins to try and counts of what exists."""
    site()  # what the manifests bring is at work: effects above all
    if not Person.objects.exists():
        live(_customers(organise()))
        open_desk()
        offer()
        promote()
        hand_in()
        happen()
        ring()
        sell()
        plan()
        lend()
    logins = Login.objects.filter(username__in=SHOWN).select_related("person__position", "person__unit")
    shown = sorted(logins, key=lambda login: SHOWN.index(login.username))
    return {
        "logins": [
            {"login": x.username, "password": PASSWORD, "name": x.person.name, "position": x.person.position.name}
            for x in shown
            if x.person
        ],
        "counts": {
            "people": Person.objects.count(),
            "customers": Customer.objects.count(),
            "products": Product.objects.count(),
            "orders": Order.objects.count(),
        },
        "desk": report(),
    }


def organise() -> dict[str, Person]:
    """The company's units, positions, people and logins, in an empty installation; people by staff number."""
    site()
    with transaction.atomic():
        history.begin("demo", by=SYSTEM, source="demo")
        return _organisation()


def _json(name: str) -> Any:
    return json.loads((HERE / name).read_text())


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (HERE / name).open(newline="") as file:
        yield from csv.DictReader(file)


def _stamps() -> dict[str, Any]:
    return {"created_at": clock.now(), "updated_at": clock.now()}


def _organisation() -> dict[str, Person]:
    """Units, positions with roles and duties, people with appointments and logins."""
    units: dict[str, Unit] = {}
    first_day = clock.today() - timedelta(days=730)
    for row in _json("units.json"):
        units[row["code"]] = Unit.objects.create(
            code=row["code"],
            name=row["name"],
            pinyin=pinyin_key(row["name"]),
            parent=units.get(row["parent"]),
            **_stamps(),
        )
    UnitPlace.objects.bulk_create(UnitPlace(unit=u, above=u.parent, from_on=first_day) for u in units.values())
    positions = presets.load()
    people: dict[str, Person] = {}
    hashed = make_password(PASSWORD)
    rows = _json("people.json")
    for row in rows:
        person = Person.objects.create(
            staff_no=row["staff_number"],
            name=row["name"],
            pinyin=pinyin_key(row["name"], person=True),
            unit=units[row["unit"]],
            position=positions[row["position"]],
            **_stamps(),
        )
        people[person.staff_no] = person
    Appointment.objects.bulk_create(
        Appointment(person=p, unit=p.unit, position=p.position, from_on=first_day) for p in people.values()
    )
    WorksFor.objects.bulk_create(
        WorksFor(assistant=people[row["staff_number"]], person=people[boss], from_on=first_day)
        for row in rows
        for boss in row["works_for"]
    )
    Login.objects.bulk_create(
        Login(username=row["login"], person=people[row["staff_number"]], password=hashed) for row in rows
    )
    for row in _json("units.json"):
        Unit.objects.filter(code=row["code"]).update(leader=people[row["leader"]])
    return people


def _customers(people: dict[str, Person]) -> list[int]:
    """Customers through the same action a clerk uses, in chunks; then the days they were really opened."""
    contacts, addresses = _by_customer("contacts.csv"), _by_customer("addresses.csv")
    choices = {f.name: {c.label: c.value for c in f.choices} for f in (fields.kind, fields.level, fields.source)}
    choices["source"]["网络"] = "web"
    rows = list(_rows("customers.csv"))
    made: list[int] = []
    for start in range(0, len(rows), CHUNK):
        chunk = [_customer(row, people, contacts, addresses, choices) for row in rows[start : start + CHUNK]]
        outcome = perform(create, by=SYSTEM, rows=chunk, source="demo")
        if outcome.refused:
            raise ValueError(f"demo data refused: {outcome.refused}")
        made += outcome.done
    inactive = [i for i, row in zip(made, rows, strict=True) if row["active"] == "0"]
    perform(deactivate, inactive, by=SYSTEM, params={"reason": "长期没有往来"}, source="demo")
    past = [_past(n, row, choices["level"][row["level"]]) for n, row in enumerate(rows)]
    with transaction.atomic(), connection.cursor() as cursor:
        history.begin("demo", by=SYSTEM, source="demo")
        cursor.execute(
            "UPDATE customers_customer c SET created_at = v.at, updated_at = v.at, level = v.level, late = v.late, "
            "obtained_on = v.obtained, reviewed_on = v.reviewed, entered_by_id = c.owner_id "
            "FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::boolean[], %s::date[], %s::date[]) "
            "AS v(id, at, level, late, obtained, reviewed) WHERE c.id = v.id",
            [made, *map(list, zip(*past, strict=True))],
        )
        continue_from(NUMBERS.pattern, f"KH{len(rows):06d}")
    return made


def _past(n: int, row: dict[str, str], level: str) -> tuple[Any, ...]:
    """When a file was really opened, its class, whether late, when the customer was heard of and last looked at."""
    opened = clock.now() - timedelta(days=int(row["days_ago_created"]), minutes=n % 480)
    late = n % 11 == 0
    reviewed = max(opened.date(), clock.today() - timedelta(days=n * 7 % 120))
    return opened, level, late, opened.date() - timedelta(days=6 if late else 0), reviewed


def _customer(
    row: dict[str, str], people: dict[str, Person], contacts: Any, addresses: Any, choices: Any
) -> dict[str, Any]:
    lines = [
        {
            "name": c["name"],
            "title": c["title"],
            "mobile": c["mobile"],
            "phone": c["landline"],
            "email": c["email"],
            "wechat": c["wechat"],
            "decides": c["is_decision_maker"] == "1",
            "receives_goods": n == 0,
            "receives_statements": c["title"] == "会计",
            "consent_basis": "contract",
        }
        for n, c in enumerate(contacts.get(row["number"], ()))
    ]
    places = [
        {
            "consignee": a["receiver"],
            "mobile": a["mobile"],
            "region": f"{a['province']}{a['city']}{a['district']}",
            "street": a["address"],
            "is_default": a["is_default"] == "1",
        }
        for a in addresses.get(row["number"], ())
    ]
    return {
        "name": row["name"],
        "short_name": row["short_name"][:40],
        "uscc": row["uscc"],
        "industry": row["industry"],
        "kind": choices["kind"].get(row["type"], ""),
        "source": choices["source"].get(row["source"], "other"),
        "province": row["province"],
        "city": row["city"],
        "address": row["address"],
        "business_scope": row["business_scope"],
        "intention": row["purchase_intention"],
        "owner": people[row["owner"]].pk,
        "credit_limit": row["credit_limit"],
        "credit_days": row["credit_days"],
        "statement_day": row["statement_day"],
        "contacts": lines,
        "addresses": places,
        **_more(row, choices),
    }


def _more(row: dict[str, str], choices: Any) -> dict[str, Any]:
    """What the sheets do not say, made up from the customer's number, so that it is the same every time."""
    n, level = int(row["number"][2:]), choices["level"][row["level"]]
    buys = level != fields.PROSPECT
    settlement = ("monthly" if row["statement_day"] else "credit") if row["credit_days"] not in ("", "0") else "prepaid"
    profile = {
        "title": row["name"],
        "tax_no": row["uscc"],
        "bank": f"{('中国银行', '建设银行', '工商银行', '农业银行')[n % 4]}{row['city'].removesuffix('市')}分行",
        "account": f"{32_0100_0000_0000_000 + n * 79_193_017:018}",
        "address": row["address"],
        "is_default": True,
    }
    ends = {0: clock.today() + timedelta(days=n % 28), 1: clock.today() - timedelta(days=n % 60)}.get(n % 37)
    licence = {"kind": "business", "number": row["uscc"], "expires_on": ends, "permanent": ends is None}
    return {
        "size_band": {fields.KEY: "large"}.get(level, ("micro", "small", "medium")[n % 3]) if buys or n % 2 else "",
        "district": row["district"],
        "settlement_method": settlement if buys else "",
        "price_level": {fields.KEY: "a", fields.ORDINARY: "b"}.get(level, "list"),
        "varieties": row["purchase_intention"].split("，")[0].split("：")[-1] if buys else "",
        "invoices": [profile] if buys and row["uscc"] else [],
        "licences": [licence] if buys and row["uscc"] and n % 3 else [],
        "aliases": [{"name": row["name"].replace("有限公司", "厂")}] if n % 40 == 7 else [],
    }


def _by_customer(name: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in _rows(name):
        found.setdefault(row["customer"], []).append(row)
    return found
