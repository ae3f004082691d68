"""Dull factories: required fields only. People get rights through a position's role, as in the product."""

import itertools
from datetime import date, timedelta
from typing import Any

from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Held
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals import actions as approvals
from neiqin.kernel.approvals.models import Request
from neiqin.kernel.exchange import requesting
from neiqin.kernel.exchange.models import ExportRequest
from neiqin.kernel.fields.formats import uscc_check_digit
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.people import tokens
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.handover import actions as handover
from neiqin.kernel.people.handover.models import Package
from neiqin.kernel.people.models import (
    Appointment,
    Delegation,
    Grant,
    Login,
    Person,
    Position,
    PositionRole,
    Role,
    Unit,
    WorksFor,
)
from neiqin.kernel.people.scope import SYSTEM, Actor
from neiqin.kernel.personal.blobs import seal_blob
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.resources.resource import site
from neiqin.modules.calls import calling
from neiqin.modules.calls.models import Call, CallBack, Extension
from neiqin.modules.catalog import actions as catalog
from neiqin.modules.catalog.models import Category, PriceList, Product
from neiqin.modules.changes import changing
from neiqin.modules.changes.models import Assessment, Change, Knowing
from neiqin.modules.company.models import Entity
from neiqin.modules.customers.actions import create
from neiqin.modules.customers.models import Customer, FollowUp, Pooled
from neiqin.modules.exceptions import exceptions
from neiqin.modules.exceptions.models import OrderException
from neiqin.modules.followups import followups
from neiqin.modules.groups import actions as groups
from neiqin.modules.groups.models import Group, Membership
from neiqin.modules.helpers import actions as helpers
from neiqin.modules.helpers.models import Loan
from neiqin.modules.intake import actions as intakes
from neiqin.modules.intake.models import Intake
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders import booking, classing, confirming, delivering, parts
from neiqin.modules.orders.models import ClassProposal, Collection, Delivery, Invoicing, Order, Part, Return
from neiqin.modules.policy.models import Clause
from neiqin.modules.pool import pool
from neiqin.modules.projects import projects
from neiqin.modules.projects.models import Project
from neiqin.modules.promotions import actions as promotions
from neiqin.modules.promotions.models import Promotion
from neiqin.modules.quotes import actions as quotes
from neiqin.modules.quotes import drafting
from neiqin.modules.quotes.models import Quote, Template
from neiqin.modules.requests import requests
from neiqin.modules.requests.models import DepartmentRequest
from neiqin.modules.retention import following as retention
from neiqin.modules.retention.models import Loss
from neiqin.modules.returns import asking
from neiqin.modules.returns.models import Ticket
from neiqin.modules.shipback import handing
from neiqin.modules.shipback.models import Handout
from neiqin.modules.stock import actions as stock
from neiqin.modules.stock.models import Entry, Stock, Warehouse
from neiqin.modules.tasks import tasks
from neiqin.modules.tasks.models import AssignedTask
from tests.stranger import receipts
from tests.stranger.models import Receipt, Sample

site()  # what the manifests bring is at work: effects above all
_counter = itertools.count(1)
CUSTOMER_RIGHTS = (
    "view", "create", "edit", "hand_over", "deactivate", "confirm_level", "reveal", "follow", "export",
    "profile", "preferences", "contacts", "addresses", "invoices", "credit",
)  # fmt: skip


def stamps() -> dict[str, Any]:
    return {"created_at": clock.now(), "updated_at": clock.now()}


def unit(name: str = "华东组", parent: Unit | None = None) -> Unit:
    return Unit.objects.create(name=name, code=f"U{next(_counter)}", parent=parent, **stamps())


def position(name: str = "销售代表", *, owns_key_customers: bool = False, **grants: str) -> Position:
    """grants: customers_view="own" means permission customers.view with scope own."""
    number = next(_counter)
    made = Position.objects.create(name=name, code=f"P{number}", owns_key_customers=owns_key_customers, **stamps())
    role = Role.objects.create(name=name, code=f"R{number}", **stamps())
    PositionRole.objects.create(position=made, role=role)
    Grant.objects.bulk_create(
        Grant(role=role, permission=permission.replace("_", ".", 1), scope=scope)
        for permission, scope in grants.items()
    )
    return made


def rep_position(scope: str = "own", **more: str) -> Position:
    return position("销售代表", **{f"customers_{right}": scope for right in CUSTOMER_RIGHTS} | more)


def manager_position() -> Position:
    return position("销售经理", owns_key_customers=True, **{f"customers_{right}": "below" for right in CUSTOMER_RIGHTS})


def entity(name: str = "试用有限公司") -> Entity:
    code = f"91320594{next(_counter):09}"
    return Entity.objects.create(name=name, uscc=code + uscc_check_digit(code), **stamps())


def person(name: str = "周启明", *, unit_: Unit | None = None, position_: Position | None = None) -> Person:
    unit_ = unit_ or unit()
    position_ = position_ or rep_position()
    made = Person.objects.create(
        name=name, staff_no=f"E{next(_counter)}", unit=unit_, position=position_, pinyin=name, **stamps()
    )
    Appointment.objects.create(person=made, unit=unit_, position=position_, from_on=date(2020, 1, 1))
    return made


def actor(name: str = "周启明", **kw: Any) -> Actor:
    return actor_of(person(name, **kw).pk)


def works_for(assistant: Person | int, boss: Person | int) -> WorksFor:
    return WorksFor.objects.create(assistant_id=_id(assistant), person_id=_id(boss), from_on=date(2020, 1, 1))


def delegation(
    giver: Person | int, taker: Person | int, from_on: date, until_on: date, *permissions: str
) -> Delegation:
    return Delegation.objects.create(
        giver_id=_id(giver), taker_id=_id(taker), from_on=from_on, until_on=until_on, permissions=list(permissions)
    )


def _id(someone: Any) -> int:
    return someone if isinstance(someone, int) else someone.pk if isinstance(someone, Person) else someone.id


def customer_row(name: str = "", **values: Any) -> dict[str, Any]:
    return {
        "name": name or f"无锡梁清{next(_counter)}水泵制造有限公司",
        "contacts": [{"name": "潘工", "mobile": "13800138000"}],
    } | values


def customer(owner: Actor | None = None, name: str = "", **values: Any) -> Customer:
    """A customer owned by this person (default: a new rep)."""
    owner = owner or actor()
    outcome = perform(create, by=SYSTEM, rows=[customer_row(name, owner=owner.id, **values)])
    assert not outcome.refused, outcome.refused
    return Customer.objects.get(pk=outcome.done[0])


def names_of(*rows: Any, column: str = "name") -> list[str | None]:
    """The names that are sealed in these rows."""
    return [texts[column] for texts in open_columns(rows, [column])]


def followup(customer_: Customer | None = None, **values: Any) -> FollowUp:
    """A call with this customer, written down by the system for its owner."""
    customer_ = customer_ or customer()
    row = {
        "customer": customer_.pk,
        "way": "phone",
        "happened_at": clock.now(),
        "content": "问了轴承的交期",
        "author": customer_.owner_id,
    } | values
    outcome = perform(followups.create, by=SYSTEM, rows=[row])
    assert not outcome.refused, outcome.refused
    return FollowUp.objects.get(pk=outcome.done[0])


def pooled(customer_: Customer | None = None, **values: Any) -> Pooled:
    """A customer that its owner has given up."""
    customer_ = customer_ or customer(**values)
    assert perform(pool.release, [customer_.pk], by=SYSTEM, params={"reason": "没有需求"}).done
    return Pooled.objects.get(pk=customer_.pk)


def package(giver: Person | None = None, *takers: Person, **values: Any) -> Package:
    """A hand-over package that waits to be carried out."""
    giver = giver or person()
    lines = [{"person": t.pk} for t in takers or (person("何雨桐"),)]
    row = {"owner": giver.pk, "reason": "休假", "takers": lines} | values
    outcome = perform(handover.create, by=SYSTEM, rows=[row])
    assert not outcome.refused, outcome.refused
    return Package.objects.get(pk=outcome.done[0])


def receipt(owner: Actor | None = None, **values: Any) -> Receipt:
    """Ten yuan that are paid for one order."""
    row = {"name": "试用付款方", "amount": "10", "parts": [{"part": "10"}], "owner": (owner or actor()).id} | values
    return Receipt.objects.get(pk=perform(receipts.receipt.create, by=SYSTEM, rows=[row]).done[0])


def category(name: str = "轴承") -> Category:
    number = next(_counter)
    made = perform(catalog.create_category, by=SYSTEM, rows=[{"code": f"C{number}", "name": name}])
    return Category.objects.get(pk=made.done[0])


def product(**values: Any) -> Product:
    row = {"code": f"P{next(_counter)}", "name": "深沟球轴承", "unit_name": "个"} | values
    outcome = perform(catalog.create_product, by=SYSTEM, rows=[row])
    assert not outcome.refused, outcome.refused
    return Product.objects.get(pk=outcome.done[0])


def price_list(prices: dict[Product, Any] | None = None, *, active: bool = True, **values: Any) -> PriceList:
    """A standard list of these prices, in force."""
    rows = [{"product": p.pk, "price": str(a)} for p, a in (prices or {product(): 100}).items()]
    row = {"name": "标准价", "kind": "standard", "from_on": "2026-01-01", "rows": rows} | values
    outcome = perform(catalog.create_list, by=SYSTEM, rows=[row])
    assert not outcome.refused, outcome.refused
    if active:
        assert perform(catalog.activate, outcome.done, by=SYSTEM).done
    return PriceList.objects.get(pk=outcome.done[0])


def change(order_: Order | None = None, *, by: Actor = SYSTEM, **values: Any) -> Change:
    """The customer wants fifteen of the first line, unless said otherwise."""
    order_ = order_ or approved(order(required_on=str(clock.today() + timedelta(days=20))))
    lines = [{"order_line": order_.lines.order_by("pk")[0].pk, "quantity": "15"}]
    row = {"order": order_.pk, "said_by": "潘工电话", "reason": "产线加了一条", "lines": lines} | values
    outcome = perform(changing.create, by=by, rows=[row])
    assert not outcome.refused, outcome.refused
    return Change.objects.get(pk=outcome.done[0])


def assessed() -> Assessment:
    """The first department of an order that is handed over is asked about a change."""
    made = part().order
    one = change(made)
    assert perform(changing.pass_on, [one.pk], by=SYSTEM).done
    return Assessment.objects.filter(change=one).order_by("pk")[0]


def knowing() -> Knowing:
    """A change holds, and the first department has not said that it knows."""
    one = Change.objects.get(pk=assessed().change_id)
    Assessment.objects.filter(change=one).update(state="void")
    assert perform(changing.agree, [one.pk], by=SYSTEM, params={"means": "contract", "proof": "KJ-1"}).done
    outcome = perform(changing.apply, [one.pk], by=SYSTEM)
    assert outcome.done, outcome.refused
    return Knowing.objects.filter(change=one).order_by("pk")[0]


def project(**values: Any) -> Project:
    """One of a month with a milestone in ten days, unless said otherwise."""
    today = clock.today()
    row = {
        "name": "华东仓搬迁", "owner": person("陆建国").pk, "goal": "月底前搬完，不停发货", "start_on": str(today),
        "due_on": str(today + timedelta(days=30)),
        "milestones": [{"name": "签好租约", "due_on": str(today + timedelta(days=10))}],
    }  # fmt: skip
    outcome = perform(projects.create, by=SYSTEM, rows=[row | values])
    assert not outcome.refused, outcome.refused
    return Project.objects.get(pk=outcome.done[0])


def task(owner: Person | None = None, *, by: Actor = SYSTEM, **values: Any) -> AssignedTask:
    """Something to be done by today."""
    row = {"name": "整理展会名单", "owner": (owner or person()).pk, "due_on": str(clock.today()),
           "wanted": "名单发给我"} | values  # fmt: skip
    outcome = perform(tasks.create, by=by, rows=[row])
    assert not outcome.refused, outcome.refused
    return AssignedTask.objects.get(pk=outcome.done[0])


def exception(order_: Order | None = None, *, by: Actor = SYSTEM, **values: Any) -> OrderException:
    """Ten yuan's worth of an order's goods are broken, unless said otherwise."""
    row = {"order": (order_ or approved(order())).pk, "kind": "quality", "affected": "10", "what": "轴承有锈"} | values
    outcome = perform(exceptions.create, by=by, rows=[row])
    assert not outcome.refused, outcome.refused
    return OrderException.objects.get(pk=outcome.done[0])


def call(by: Actor | None = None, **values: Any) -> Call:
    """Somebody asks for his goods, and the question is open."""
    by = by or actor(position_=position("接线", calls_view="own", calls_create="own", calls_do="own"))
    row = {"other": "13900001111", "who": "老顾", "rang_at": clock.now(), "topic": "press", "need": "货什么时候到"}
    outcome = perform(calling.create, by=by, rows=[row | values])
    assert not outcome.refused, outcome.refused
    return Call.objects.get(pk=outcome.done[0])


def callback(call_: Call | None = None, **params: Any) -> CallBack:
    """A call-back that was promised in a call, by the one whose call it is."""
    call_ = call_ or call()
    outcome = perform(calling.promise, [call_.pk], by=SYSTEM, params=params)
    assert not outcome.refused, outcome.refused
    return CallBack.objects.get(call=call_)


def platform_order(number: str, channel: str = "拼多多", **values: Any) -> Order:
    """An approved order of ten bearings that a buyer has paid for on a platform just now, unless said otherwise."""
    made = approved(order())
    Order.objects.filter(pk=made.pk).update(
        **{"channel": channel, "platform_number": number, "paid_at": clock.now()} | values
    )
    made.refresh_from_db()
    return made


def handout(channel: str = "拼多多", by: Actor | None = None) -> Handout:
    """A file for a platform with one delivery in it."""
    rights = {"orders_view": "all", "orders_ship": "all", "shipback_view": "own", "shipback_create": "own"}
    by = by or actor(position_=position("发货", **rights))
    shipped(platform_order(f"2611-{next(_counter)}", channel), 10, carrier="圆通速递", waybill="YT1234567890123")
    return Handout.objects.get(pk=perform(handing.write, rows=[{"channel": channel}], by=by).done[0])


def extension(name: str = "", owner: Person | None = None) -> Extension:
    row = {"name": name or f"8{next(_counter)}", "person": (owner or person()).pk}
    return Extension.objects.get(pk=perform(calling.create_extension, by=SYSTEM, rows=[row]).done[0])


def ticket(order_: Order | None = None, quantity: Any = 2, *, by: Actor = SYSTEM, **values: Any) -> Ticket:
    """The customer gives back two pieces of the first line of an order that was shipped."""
    order_ = order_ or shipped(approved(order()), 10).order
    lines = [{"order_line": order_.lines.order_by("pk")[0].pk, "quantity": str(quantity)}]
    row = {"order": order_.pk, "kind": "refund", "reason": "customer", "lines": lines} | values
    outcome = perform(asking.create, by=by, rows=[row])
    assert not outcome.refused, outcome.refused
    return Ticket.objects.get(pk=outcome.done[0])


def department_request(owner: Person | None = None, *, by: Actor = SYSTEM, **values: Any) -> DepartmentRequest:
    """Something a unit is asked for, to be answered by this person of it."""
    owner = owner or person()
    row = {"name": "新样册 50 本", "unit": owner.unit_id, "owner": owner.pk, "need_on": str(clock.today()),
           "what": "展会用，最新版"} | values  # fmt: skip
    outcome = perform(requests.create, by=by, rows=[row])
    assert not outcome.refused, outcome.refused
    return DepartmentRequest.objects.get(pk=outcome.done[0])


def warehouse(name: str = "主仓", **values: Any) -> Warehouse:
    row = {"code": f"W{next(_counter)}", "name": name} | values
    outcome = perform(stock.create_warehouse, by=SYSTEM, rows=[row])
    assert not outcome.refused, outcome.refused
    return Warehouse.objects.get(pk=outcome.done[0])


def entry_row(place: Warehouse, *lines: Any, **values: Any) -> dict[str, Any]:
    """lines: (product, quantity) or (product, quantity, unit)."""
    goods = [{"product": p.pk, "quantity": str(q), "unit_name": "".join(unit)} for p, q, *unit in lines]
    return {"kind": "bought", "warehouse": place.pk, "lines": goods} | values


def stocked(product_: Product, quantity: Any = 10, place: Warehouse | None = None, **values: Any) -> Entry:
    """So much of a product is put into a warehouse."""
    row = entry_row(place or warehouse(), (product_, quantity), **values)
    outcome = perform(stock.create_entry, by=SYSTEM, rows=[row])
    assert not outcome.refused, outcome.refused
    return Entry.objects.get(pk=outcome.done[0])


def order(customer_: Customer | None = None, *lines: dict[str, Any], by: Actor = SYSTEM, **values: Any) -> Order:
    """A draft of one line, ten bearings at 20 yuan, unless said otherwise."""
    customer_ = customer_ or customer()
    given = [dict(line) for line in lines] or [{"item_name": "轴承", "quantity": "10", "price": "20"}]
    row = {"customer": customer_.pk, "lines": given, "consignee": "潘工", "address": "昆山市前进路1号"} | values
    outcome = perform(orders.create, by=by, rows=[row])
    assert not outcome.refused, outcome.refused
    return Order.objects.get(pk=outcome.done[0])


def approved(order_: Order, *, confirmed: bool = True) -> Order:
    """The order as the desk has taken it into execution."""
    Order.objects.filter(pk=order_.pk).update(paper_total=order_.amount)
    assert perform(orders.submit, [order_.pk], by=SYSTEM, params={"checked": True}).done
    if confirmed:
        told = {"means": "contract", "proof": "KJ-2026-001"}
        assert perform(confirming.confirm, [order_.pk], by=SYSTEM, params=told).done
    assert perform(orders.approve, [order_.pk], by=SYSTEM).done
    order_.refresh_from_db()
    return order_


def shipped(order_: Order, *quantities: Any, **values: Any) -> Delivery:
    """So much of each line goes out."""
    goods = [
        {"order_line": line.pk, "quantity": str(q)}
        for line, q in zip(order_.lines.order_by("pk"), quantities, strict=False)
    ]
    outcome = perform(delivering.create, by=SYSTEM, rows=[{"order": order_.pk, "lines": goods} | values])
    assert not outcome.refused, outcome.refused
    return Delivery.objects.get(pk=outcome.done[0])


def quote(customer_: Customer | None = None, *lines: dict[str, Any], by: Actor = SYSTEM, **values: Any) -> Quote:
    """A draft of one line, ten bearings at 20 yuan, valid for a month, unless said otherwise."""
    customer_ = customer_ or customer()
    given = [dict(line) for line in lines] or [{"item_name": "轴承", "quantity": "10", "price": "20"}]
    row = {"customer": customer_.pk, "lines": given, "valid_until": str(clock.today() + timedelta(days=30))} | values
    outcome = perform(quotes.create, by=by, rows=[row])
    assert not outcome.refused, outcome.refused
    return Quote.objects.get(pk=outcome.done[0])


def accepted(quote_: Quote) -> Quote:
    """The quote as the customer has taken it."""
    told = {"how": "call", "proof": "潘工来电"}
    for verb, params in ((quotes.send, {}), (quotes.accept, told)):
        outcome = perform(verb, [quote_.pk], by=SYSTEM, params=params)
        assert outcome.done, outcome.refused
    return Quote.objects.get(pk=quote_.pk)


def quote_template(**values: Any) -> Template:
    """Bearings, as they are usually offered."""
    row = {
        "name": f"轴承常规报价{next(_counter)}",
        "lines": [{"item_name": "轴承", "quantity": "10", "price": "20"}],
    } | values
    outcome = perform(drafting.create_template, by=SYSTEM, rows=[row])
    assert not outcome.refused, outcome.refused
    return Template.objects.get(pk=outcome.done[0])


def export_request(by: Actor | None = None, **values: Any) -> ExportRequest:
    """Somebody exports his customers for a purpose."""
    by = by or actor(position_=rep_position(exchange_export="all", exchange_requests="own"))
    row = {"kind": "customers.customer", "purpose": "核对地址"} | values
    outcome = perform(requesting.create, by=by, rows=[row])
    assert not outcome.refused, outcome.refused
    return ExportRequest.objects.get(pk=outcome.done[0])


def invoiced(order_: Order, amount: Any, **values: Any) -> Invoicing:
    """An invoice of this amount."""
    row = {"order": order_.pk, "number": f"2633{next(_counter):016}", "amount": str(amount)}
    return _booked(booking.invoice, row | {"issued_on": str(clock.today())} | values)


def collected(order_: Order, amount: Any, **values: Any) -> Collection:
    """Money that came in."""
    row = {"order": order_.pk, "amount": str(amount), "received_on": str(clock.today())}
    return _booked(booking.collect, row | values)


def returned(delivery: Delivery, *quantities: Any, **values: Any) -> Return:
    """So much of each line of a delivery comes back."""
    lines = [
        {"delivery_line": line.pk, "quantity": str(q)}
        for line, q in zip(delivery.lines.order_by("pk"), quantities, strict=False)
    ]
    row = {"order": delivery.order_id, "returned_on": str(clock.today()), "reason": "规格不对", "lines": lines}
    return _booked(booking.take_back, row | values)


def _booked(action: Any, row: dict[str, Any]) -> Any:
    outcome = perform(action, by=SYSTEM, rows=[row])
    assert not outcome.refused, outcome.refused
    return action.model.objects.get(pk=outcome.done[0])


def part() -> Part:
    """The first task of an order that is handed over."""
    made = approved(order(required_on=str(clock.today())))
    assert perform(parts.hand_over, [made.pk], by=SYSTEM).done
    return Part.objects.filter(order=made).order_by("pk")[0]


def proposal() -> ClassProposal:
    """A customer that has bought nothing yet is said to be a prospect."""
    made = customer()
    Customer.objects.filter(pk=made.pk).update(level="ordinary")
    classing.propose()
    return ClassProposal.objects.get(customer=made)


def group(**values: Any) -> Group:
    """Customers with two orders this month, unless said otherwise; those that fulfil it are in."""
    row = {"name": f"常购客户{next(_counter)}", "orders_min": "2"} | values
    outcome = perform(groups.create, by=SYSTEM, rows=[row])
    assert not outcome.refused, outcome.refused
    drain()
    return Group.objects.get(pk=outcome.done[0])


def membership() -> Membership:
    """A customer of 江苏 in the group of that region."""
    made = customer(province="江苏省")
    return Membership.objects.get(group=group(orders_min="", region="江苏"), customer=made)


def loss(customer_: Customer | None = None) -> Loss:
    """A customer whose only order is two years old."""
    made = customer_ or customer()
    approved(order(made, doc_date=str(clock.today() - timedelta(days=731))))
    retention.follow([made.pk])
    return Loss.objects.get(customer=made)


def clause() -> Clause:
    """A clause beside the shipped ones."""
    number = next(_counter)
    values = {"chapter": "ORG", "name": "试用条款", "text": "试用的条文。", "kind": "record", "state": "open"}
    return Clause.objects.create(code=f"C-TRY-{number}", position=1000 + number, **values, **stamps())


def request(customer_: Customer | None = None) -> Request:
    """A customer's owner asks to have it deactivated; the administrator is to decide, as nobody holds the position."""
    customer_ = customer_ or customer()
    keeper = position("流程管理员", approvals_view="all", approvals_manage="all")
    person("潘一鸣", position_=keeper)
    held = Held.objects.create(
        action="customers.customer.deactivate", person_id=customer_.owner_id, held_at=clock.now(), reason="审批",
        versions={str(customer_.pk): customer_.version}, params=seal_blob(b'{"params": {"reason": "x"}, "rows": []}'),
        passed=["checks", "approvals"],
    )  # fmt: skip
    row = {
        "name": f"停用 {customer_.name}", "action": held.action, "model": "customers.customer", "held": held.pk,
        "record_id": customer_.pk, "amount": None, "route": "法务主管", "copies": "无", "rule": "《审批路线》",
        "rule_version_id": 1, "rule_row": 1, "risk": "一般", "hours": 8, "owner": customer_.owner_id,
    }  # fmt: skip
    outcome = perform(approvals.submit, by=SYSTEM, rows=[row], parsed=True)
    assert not outcome.refused, outcome.refused
    return Request.objects.get(pk=outcome.done[0])


def login_of(someone: Person | Actor) -> Login:
    """The person's login, made if there is none."""
    person_id = _id(someone)
    found = Login.objects.filter(person_id=person_id).first()
    return found or Login.objects.create(username=f"login{person_id}", person_id=person_id, password="!")


def sign_in(client: Client, someone: Person | Actor) -> Client:
    """The client with the person's session."""
    login = login_of(someone)
    client.force_login(login)
    session = client.session
    session["stamp"] = str(login.session_stamp)
    session.save()
    return client


def api(client: Client, someone: Person | Actor) -> Client:
    """The client with the person's token in every request."""
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {tokens.issue(login_of(someone).username)}"
    return client


def promotion(
    prices: dict[Product, Any] | None = None, *, by: Actor | None = None, running: bool = False, **values: Any
) -> Promotion:
    """A plan for thirty days of these prices; running: in force, as if the three departments had agreed."""
    by = by or actor(position_=position("市场专员", promotions_create="own", catalog_view="all"))
    deals = [{"product": p.pk, "price": str(a)} for p, a in (prices or {product(): 90}).items()]
    row = {"name": "双十二轴承", "from_on": str(clock.today()), "until_on": str(clock.today() + timedelta(days=30)),
           "budget": "10000", "deals": deals}  # fmt: skip
    outcome = perform(promotions.create, by=by, rows=[row | values])
    assert not outcome.refused, outcome.refused
    if running:
        assert perform(promotions.launch, outcome.done, by=SYSTEM).done
    return Promotion.objects.get(pk=outcome.done[0])


def loan(helper: Person | None = None, *, by: Actor | None = None, agreed: bool = False, **values: Any) -> Loan:
    """Somebody of a warehouse who is asked for to look at one order for three days; agreed: as if her manager had."""
    if helper is None:
        helper = person("高敏", unit_=unit("仓储物流部"), position_=position("仓管", helpers_view="own"))
        lender = person("侯志强", unit_=helper.unit, position_=position("仓储主管", helpers_view="own"))
        Unit.objects.filter(pk=helper.unit_id).update(leader=lender)
    by = by or actor("方静怡", position_=position(
        "内勤主管", helpers_view="own", helpers_create="own", orders_view="all", orders_answer="all"
    ))  # fmt: skip
    job = {} if values.keys() & {"promotion", "of_unit"} else {"order": order().pk}
    row = {"helper": helper.pk, "work": "look", "from_on": str(clock.today()), "why": "忙不过来",
           "until_on": str(clock.today() + timedelta(days=2))}  # fmt: skip
    outcome = perform(helpers.create, by=by, rows=[row | job | values])
    assert not outcome.refused, outcome.refused
    made = Loan.objects.get(pk=outcome.done[0])
    if agreed and made.state == "asked":
        assert perform(helpers.agree, [made.pk], by=actor_of(made.lender_id)).done
    return Loan.objects.get(pk=made.pk)


def intake(customer_: Customer | None = None, *, by: Actor = SYSTEM, **values: Any) -> Intake:
    """A message that waits to be made into an order."""
    customer_ = customer_ or customer()
    row = {"customer": customer_.pk, "said": "ZC-6204 20个，明天要"} | values
    outcome = perform(intakes.create, by=by, rows=[row])
    assert not outcome.refused, outcome.refused
    return Intake.objects.get(pk=outcome.done[0])


# One record of each resource, for the promises of all modules; a new resource adds a line here.
MAKERS: dict[str, Any] = {
    "stranger.sample": lambda: Sample.objects.create(name="样品轴承", owner=(p := person()), unit=p.unit, **stamps()),
    "stranger.receipt": lambda: receipt(),
    "customers.customer": lambda: customer(),
    "customers.followup": lambda: followup(),
    "customers.pooled": lambda: Pooled.objects.get(
        pk=perform(pool.create, by=SYSTEM, rows=[customer_row(owner=actor().id)]).done[0]
    ),
    "policy.clause": lambda: clause(),
    "company.entity": lambda: entity(),
    "handover.package": lambda: package(),
    "catalog.category": lambda: category(),
    "changes.change": lambda: change(),
    "changes.assessment": lambda: assessed(),
    "changes.knowing": lambda: knowing(),
    "intake.intake": lambda: intake(),
    "promotions.promotion": lambda: promotion(),
    "helpers.loan": lambda: loan(),
    "projects.project": lambda: project(),
    "tasks.assignedtask": lambda: task(),
    "returns.ticket": lambda: ticket(),
    "exceptions.orderexception": lambda: exception(),
    "requests.departmentrequest": lambda: department_request(),
    "shipback.handout": lambda: handout(),
    "calls.call": lambda: call(),
    "calls.callback": lambda: callback(),
    "calls.extension": lambda: extension(),
    "stock.warehouse": lambda: warehouse(),
    "stock.entry": lambda: stocked(product()),
    "stock.stock": lambda: Stock.objects.get(product_id=stocked(product()).lines.get().product_id),
    "catalog.product": lambda: product(),
    "catalog.pricelist": lambda: price_list(),
    "orders.order": lambda: order(),
    "quotes.quote": lambda: quote(),
    "quotes.template": lambda: quote_template(),
    "orders.part": lambda: part(),
    "orders.classproposal": lambda: proposal(),
    "orders.delivery": lambda: shipped(approved(order()), 10),
    "orders.invoicing": lambda: invoiced(approved(order()), 100),
    "orders.collection": lambda: collected(approved(order()), 100),
    "orders.return": lambda: returned(shipped(approved(order()), 10), 1),
    "retention.loss": lambda: loss(),
    "groups.group": lambda: group(),
    "groups.membership": lambda: membership(),
    "approvals.request": lambda: request(),
    "exchange.exportrequest": lambda: export_request(),
    "people.person": lambda: person("试用"),
    "people.unit": lambda: unit("试用组"),
    "people.position": lambda: position("试用岗"),
    "people.role": lambda: Role.objects.create(name="试用角色", code=f"R{next(_counter)}", **stamps()),
}


def actors_of(person_id: int) -> Actor:
    """The acting person of today."""
    return actor_of(person_id)
