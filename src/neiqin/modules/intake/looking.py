"""The page where a message is pasted or handed in, what an intake's page says, and what waits on the workbench."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, TooSlow
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.files import attach, kinds, pages, store
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.forms import form_field
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.resource import Resource, Todo, Tool
from neiqin.modules.catalog.models import ON_SALE
from neiqin.modules.customers.models import Customer
from neiqin.modules.intake import actions, fields, filling
from neiqin.modules.intake.models import BACK, NEW, Intake
from neiqin.modules.orders.models import OrderLine
from neiqin.modules.orders.states import IN_FORCE

ORIGIN = (
    Field("number", "单号", "code"), Field("at", "交来时间", "moment"), Field("who", "谁交的"),
    Field("said", "客户怎么说的"),
)  # fmt: skip
PAGE = "/intake/paste/"
MOST, LATELY, PHOTOS = 20, 20, 9


@screen(actions.CREATE)
def page(request: Any) -> HttpResponse:
    """GET `?customer=`: where a message is pasted, with what the customer bought lately; POST keeps it as 来单 and goes
    on to the order's form (`go=take`), or hands it to the clerks."""
    given = request.POST if request.method == "POST" else request.GET
    customer = _customer(given.get("customer", ""), request.person)
    problems: list[Problem] = []
    if request.method == "POST":
        problems, url = _kept(request, customer)
        if url:
            return HttpResponseRedirect(url)
    values = {
        "customer": str(customer.pk) if customer else "",
        "said": given.get("said", ""),
        "note": given.get("note", ""),
    }
    called = {"customer": customer.name if customer else ""}
    shown = [form_field(f.but(required=False), values[f.name], called.get(f.name, ""), errors=problems)
             for f in fields.INTAKE]  # fmt: skip
    return render(request, "intake_paste.html", Bag(
        fields=shown, errors=problems, request_key=given.get("request_key") or uuid4().hex, customer=customer,
        lately=_lately(customer, given) if customer else [], may_take=request.person.may(actions.TAKE),
    ), status=422 if problems else 200)  # fmt: skip


def _customer(text: str, person: Any) -> Customer | None:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        return None
    return Customer.objects.filter(Customer.visible_to(person), pk=int(text)).first()


def _lately(customer: Customer, given: Any) -> list[Bag]:
    """What this customer bought lately, each thing once, with how much it was the last time."""
    sold = OrderLine.objects.filter(
        order__customer=customer, order__state__in=IN_FORCE, product__state=ON_SALE, is_gift=False
    )
    newest = sold.order_by("product_id", "-order__doc_date", "-pk").distinct("product_id")
    rows = sorted(newest.select_related("product", "order"), key=lambda x: (x.order.doc_date, x.pk), reverse=True)
    return [
        Bag(id=x.product_id, code=x.product.code, name=x.product.name, spec=x.product.spec,
            unit=x.unit_name or x.product.unit_name, last=x.quantity, day=x.order.doc_date,
            value=given.get(f"q-{x.product_id}", ""))
        for x in rows[:LATELY] if x.product
    ]  # fmt: skip


def _kept(request: Any, customer: Customer | None) -> tuple[list[Problem], str]:
    """The problems, or where to go on."""
    given = request.POST
    chosen = [(x, q) for x in (_lately(customer, given) if customer else []) if (q := x.value.strip()) not in ("", "0")]
    lines = [f"{x.code} {x.name} {x.spec} {q}{x.unit}" for x, q in chosen]
    photos = request.FILES.getlist("photo")[:PHOTOS]
    text = "\n".join(x for x in (given.get("said", "").strip(), *lines) if x) or ("见照片" if photos else "")
    row = {"customer": str(customer.pk) if customer else "", "said": text, "note": given.get("note", "")}
    key = sent_key(given)
    try:
        stored = [pages.keep(photo, request.person)[0] for photo in photos]
        outcome = perform(actions.create, rows=[row], by=request.person, source="web", key=key)
    except Invalid as error:
        return error.problems, ""
    except (kinds.NotTaken, store.TooLarge) as error:
        return [Problem("photo", "照片", str(error))], ""
    except (KeyReused, NotAllowed, TooSlow) as error:
        return [Problem("", "", str(error))], ""
    if not outcome.done:
        refusal = next(iter(outcome.refused.values()))
        return [Problem(refusal.field, "", refusal.text)], ""
    intake = Intake.objects.get(pk=outcome.done[0])
    verb = attach.VERBS[actions.KEY].attach
    assert verb is not None  # it was just made by this person
    for one in stored:
        perform(verb, [intake.pk], by=request.person, params={"file": one.pk, "category": "原件"}, source="web")
    if given.get("go") == "take" and request.person.may(actions.TAKE):
        return [], filling.address(intake)
    messages.success(request, f"{intake.number} 交给内勤了，录成订单会在这里看到。")
    return [], f"{actions.URL}{intake.pk}/"


def notes(intake: Intake, person: Any) -> list[Bag]:
    """What comes next."""
    if intake.state in (NEW, BACK) and person.may(actions.TAKE):
        link = Bag(label="录成订单", url=filling.address(intake))
        bold = "还没有录成订单。" if intake.state == NEW else "退回补充。"
        return [panels.note("" if intake.state == NEW else "warn", bold, intake.reason, link)]
    if intake.state == NEW:
        return [panels.note("", "等内勤录入。")]
    if intake.state == BACK:
        return [panels.note("warn", "退回补充。", f"{intake.reason} 改好以后点「补好再交」。")]
    return []


def of_order(record: Any, person: Any) -> Bag | None:
    """来单 on an order's page: what the customer said."""
    found = Intake.objects.filter(Intake.visible_to(person), order=record).select_related("asked_by").order_by("pk")
    rows = [
        panels.line([i.number, i.created_at, i.asked_by.name if i.asked_by else "", filling.said(i)[:200]],
                    f"{actions.URL}{i.pk}/", i.number)
        for i in found[:5]
    ]  # fmt: skip
    return panels.table("intake", "来单", ORIGIN, rows) if rows else None


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """聊天下单, over the orders and the intakes; on a customer, for him."""
    if not person.may(actions.CREATE):
        return []
    if resource.key in (filling.ORDER, actions.KEY):
        return [Tool("聊天下单", PAGE, "message")]
    return []


def todos(person: Any) -> list[Todo]:
    """What is to be made into an order, and what was given back to me."""
    if person.id is None or not person.may(actions.VIEW):
        return []
    back = Intake.objects.filter(asked_by_id=person.id, state=BACK)
    found = [Todo(f"补充来单：{i.name}", f"{actions.URL}{i.pk}/", i.reason[:60], "message", "退回", "bad")
             for i in back.order_by("pk")[:MOST]]  # fmt: skip
    if not person.may(actions.TAKE):
        return found
    waiting = Intake.objects.filter(Intake.visible_to(person, actions.TAKE), state=NEW).select_related("asked_by")
    now = clock.now()
    for i in waiting.order_by("created_at", "pk")[:MOST]:
        minutes = int((now - i.created_at).total_seconds() // 60)
        end = f"{minutes // 60} 小时前" if minutes >= 60 else f"{minutes} 分钟前"
        who = f"{i.asked_by.name}交的" if i.asked_by and i.asked_by_id != person.id else ""
        tone = "warn" if minutes >= 60 else ""
        found.append(Todo(f"录入来单：{i.name}", filling.address(i), who, "message", end, tone))
    return found
