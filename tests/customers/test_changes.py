"""A change of a contact is kept with who, when, since when, old and new; open orders ask to be updated (C-CUS-05)."""

import orjson
import pytest
import time_machine
from django.test import Client

from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform, preview
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.personal.keys import find_subjects
from neiqin.modules.customers import actions
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders import renewing
from neiqin.modules.orders.models import Order, Renewal
from tests import factories
from tests.orders.test_orders import ORDERS, Desk, again, text

pytestmark = pytest.mark.django_db
OLD, NEW = "13800138000", "13912345678"
LINE = {"item_name": "轴承", "quantity": "10", "price": "20"}
HINT = "联系人电话已变更（2026-12-01 起），更新这张订单"


@pytest.fixture
def desk():
    with time_machine.travel("2026-11-20 02:00Z", tick=True):
        yield Desk()


def submitted(desk, **values) -> Order:
    order = desk.enter(LINE, paper_total="200", **values)
    desk.do(desk.clerk, order, "submit", checked="on")
    return order


def change(desk, row=None, **values):
    """The rep changes the customer's contact."""
    lines = {"contacts": [{"id": desk.customer.contacts.get().pk} | (row or {"mobile": NEW})]}
    outcome = perform(actions.edit, [desk.customer.pk], by=actor_of(desk.rep.pk), params=lines | values)
    assert outcome.done, outcome.refused


def written(order) -> tuple[str, str]:
    (texts,) = open_columns([again(order)], ["consignee", "consignee_phone"])
    return texts["consignee"], texts["consignee_phone"]


@pytest.mark.clause("C-CUS-05")
def test_a_phone_changed_through_the_api_stands_in_the_history_and_the_open_order_asks_to_be_updated(desk):
    service = factories.person(
        "客小美", unit_=desk.unit, position_=factories.position("客服专员", orders_view="all", orders_answer="all")
    )
    order = submitted(desk, service=service.pk)
    contact = desk.customer.contacts.get()
    api = factories.api(Client(), desk.rep)
    given = {"contacts": [{"id": contact.pk, "mobile": NEW}], "effective_on": "2026-12-01"}
    answer = api.patch(f"/api/v1/customers/{desk.customer.pk}", orjson.dumps(given), content_type="application/json")
    assert answer.status_code == 200, answer.content

    told = orjson.loads(api.get(f"/api/v1/customers/{desk.customer.pk}/timeline").content)
    newest = told["items"][0]
    assert (newest["who"], newest["text"]) == ("周启明", "修改客户：2026-12-01 起生效")
    assert newest["at"].startswith("2026-1")
    assert newest["changes"] == [{"label": "联系人 手机", "before": "138****8000", "after": "139****5678"}]
    page = text(desk.at(desk.rep).get(f"/customers/customer/{desk.customer.pk}/"))
    assert "138****8000" in page
    assert "139****5678" in page

    here = f"{ORDERS}{order.pk}/"
    assert HINT in text(desk.at(desk.clerk).get(here))
    for who in (desk.clerk, service):
        assert f"更新订单：{order.number} 昆山澄江精密" in text(desk.at(who).get("/"))
    assert written(order) == ("潘工", OLD), "nothing is taken over unasked"

    before = again(order)
    desk.do(desk.clerk, order, "renew")
    assert written(order) == ("潘工", NEW)
    after = again(order)
    assert (after.version, after.state, after.address) == (before.version + 1, "submitted", before.address)
    page = text(desk.at(desk.clerk).get(here))
    assert HINT not in page
    assert "采用新联系方式：联系人电话已变更（2026-12-01 起）" in page
    assert "138****8000" in page
    assert "139****5678" in page
    assert "更新订单：" not in text(desk.at(desk.clerk).get("/"))
    assert order.subject in find_subjects(NEW, "consignee_phone")
    assert order.subject not in find_subjects(OLD, "consignee_phone")
    names = Event.objects.filter(model="orders.order", record_id=order.pk).order_by("id").values_list("name", flat=True)
    assert list(names) == [f"orders.order.{n}" for n in ("created", "submitted", "outdated", "renewed")]


def test_the_form_begins_without_a_day_and_takes_one(desk):
    at = desk.at(desk.rep)
    url = f"/customers/customer/{desk.customer.pk}/edit/"
    assert "变动生效日期" in text(at.get(url))
    assert at.post(url, {"partial": "1", "city": "昆山市", "effective_on": "2026-12-01"}).status_code == 302
    desk.customer.refresh_from_db()
    assert desk.customer.city == "昆山市"
    assert "修改客户：2026-12-01 起生效" in text(at.get(f"/customers/customer/{desk.customer.pk}/"))
    version = desk.customer.version
    assert at.post(url, {"partial": "1", "effective_on": "2026-12-02"}).status_code == 302
    desk.customer.refresh_from_db()
    assert desk.customer.version == version, "a day alone changes nothing"


def test_an_order_is_left_as_it_is_when_somebody_says_so(desk):
    order = submitted(desk)
    change(desk)
    assert "联系人电话已变更，更新这张订单。" in text(desk.at(desk.clerk).get(f"{ORDERS}{order.pk}/"))
    version = again(order).version
    desk.do(desk.clerk, order, "keep")
    assert (written(order), again(order).version) == (("潘工", OLD), version)
    assert [r.state for r in Renewal.objects.all()] == ["kept"]
    assert "联系方式没有变更" in text(desk.do(desk.clerk, order, "renew"))


def test_only_open_orders_written_with_the_old_phone_ask(desk):
    mine = submitted(desk)
    draft = desk.enter(LINE)
    other = submitted(desk, consignee="王师傅", consignee_phone="13700137000")
    voided, shipped = submitted(desk), submitted(desk)
    perform(orders.void, [voided.pk], by=SYSTEM, params={"reason": "错单"})
    factories.shipped(factories.approved(desk.enter(LINE)), 10)
    Order.objects.filter(pk=shipped.pk).update(state="closed")
    elsewhere = factories.order(factories.customer(), consignee_phone=OLD)
    Order.objects.filter(pk=elsewhere.pk).update(state="submitted")
    change(desk)
    assert list(Renewal.objects.values_list("order_id", flat=True)) == [mine.pk]
    assert written(draft) == written(mine) == ("潘工", OLD)
    assert written(other) == ("王师傅", "13700137000")


def test_changed_twice_the_order_takes_what_holds_when_it_is_taken(desk):
    order = submitted(desk)
    change(desk)
    change(desk, {"mobile": "13600136000"})
    assert Renewal.objects.count() == 1
    desk.do(desk.clerk, order, "renew")
    assert written(order) == ("潘工", "13600136000")


def test_another_person_in_the_contacts_place_is_taken_with_name_and_phone(desk):
    order = submitted(desk)
    change(desk, {"name": "钱工", "mobile": NEW})
    assert "联系人电话和姓名已变更" in text(desk.at(desk.clerk).get(f"{ORDERS}{order.pk}/"))
    desk.do(desk.clerk, order, "renew")
    assert written(order) == ("钱工", NEW)


def test_a_delivery_address_with_another_phone_asks_too(desk):
    given = {"addresses": [{"consignee": "仓库", "mobile": "13700137000", "street": "前进路1号"}]}
    perform(actions.edit, [desk.customer.pk], by=SYSTEM, params=given)
    order = submitted(desk, consignee="仓库", consignee_phone="13700137000")
    row = {"id": desk.customer.addresses.get().pk, "mobile": NEW}
    perform(actions.edit, [desk.customer.pk], by=SYSTEM, params={"addresses": [row]})
    assert "收货地址电话已变更" in text(desk.at(desk.clerk).get(f"{ORDERS}{order.pk}/"))
    desk.do(desk.clerk, order, "renew")
    assert written(order) == ("仓库", NEW)


def test_other_changes_of_the_contact_and_a_preview_ask_nothing(desk):
    order = submitted(desk)
    change(desk, {"title": "厂长"})
    change(desk, {"mobile": OLD})
    lines = {"contacts": [{"id": desk.customer.contacts.get().pk, "mobile": NEW}]}
    preview(actions.edit, [desk.customer.pk], by=actor_of(desk.rep.pk), params=lines)
    assert not Renewal.objects.exists()
    assert perform(renewing.renew, [order.pk], by=SYSTEM).refused[order.pk].text == "联系方式没有变更，不用更新。"
