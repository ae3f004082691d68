"""来单 through the screens: pasted and made into an order, handed in by a rep and given back, learned from."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from neiqin.kernel.people.models import Grant, PositionRole
from neiqin.kernel.resources import finding
from neiqin.kernel.resources.models import Draft
from neiqin.kernel.resources.resource import site
from neiqin.modules.intake.models import Intake, Word
from neiqin.modules.orders.models import Order
from tests import factories
from tests.orders.test_orders import ORDERS, Desk, text

pytestmark = pytest.mark.django_db
PASTE, LIST = "/intake/paste/", "/intake/intake/"
MESSAGE = "王姐，ZC-6204要20个\n小油封三十个\n收货人：李建国 13812345678 江苏省苏州市昆山市前进路88号\n周五前送到"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.FILES = tmp_path


@pytest.fixture
def desk():
    found = Desk()
    for position in (found.rep.position, found.clerk.position, found.manager.position):
        scope = "below" if position == found.manager.position else "own"
        role = PositionRole.objects.get(position=position).role
        for permission in ("intake.view", "intake.create"):
            Grant.objects.create(role=role, permission=permission, scope=scope)
    found.bearing = factories.product(code="ZC-6204", name="深沟球轴承", spec="6204-2RS")
    found.seal = factories.product(code="MF-TC35", name="骨架油封", spec="TC 35×52×7")
    factories.price_list({found.bearing: "18.50", found.seal: "4.20"})
    finding.catch_up([site().resources["catalog.product"]])
    return found


def paste(desk, someone, said=MESSAGE, **more):
    form = {"customer": desk.customer.pk, "said": said, "go": "take"} | more
    return desk.at(someone).post(PASTE, form)


def values(page):
    """Names and values of the inputs of a form."""
    found = {}
    for tag in re.findall(r"<input [^>]*>", re.sub(r"<template>.*?</template>", "", page, flags=re.S)):
        name, value = re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
        if name:
            found[name[1]] = value[1] if value else ""
    return found


def test_a_pasted_message_becomes_a_filled_form_and_then_the_order_that_it_says(desk):
    answer = paste(desk, desk.clerk)
    intake = Intake.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{ORDERS}new/?intake={intake.pk}")
    assert (intake.owner, intake.asked_by, intake.state, intake.name) == (desk.rep, desk.clerk, "new", "昆山澄江精密")
    page = text(desk.at(desk.clerk).get(answer["Location"]))
    form = values(page)
    assert (form["customer"], form["consignee"], form["consignee_phone"]) == (
        str(desk.customer.pk), "李建国", "13812345678",
    )  # fmt: skip
    assert form["address"] == "江苏省苏州市昆山市前进路88号"
    assert [form[f"lines-{n}-quantity"] for n in (0, 1)] == ["20", "30"]
    assert [form[f"lines-{n}-product"] for n in (0, 1)] == [str(desk.bearing.pk), str(desk.seal.pk)]
    assert form["lines-1-customer_item"] == "小油封"
    assert "lines-0-customer_item" not in form or form["lines-0-customer_item"] == ""
    assert "猜的：名字像" in page
    assert "小油封三十个" in page, "what was said stands beside what was made of it"
    form |= {"intake": str(intake.pk), "request_key": "k-1"}
    for _ in range(2):  # sent twice
        assert desk.at(desk.clerk).post(f"{ORDERS}new/", form).status_code == 302
    order = Order.objects.get()
    assert [(x.product, x.quantity, x.price) for x in order.lines.order_by("pk")] == [
        (desk.bearing, 20, 18.5), (desk.seal, 30, order.lines.latest("pk").price),
    ]  # fmt: skip
    intake.refresh_from_db()
    assert (intake.state, intake.order, intake.taken_by) == ("taken", order, desk.clerk)
    assert [(w.key, w.product, w.times) for w in Word.objects.all()] == [("小油封", desk.seal, 1)]
    assert "小油封三十个" in text(desk.at(desk.rep).get(f"{ORDERS}{order.pk}/")), "the order shows what was said"


def test_what_was_corrected_once_is_certain_the_next_time(desk):
    paste(desk, desk.clerk, "小轴承 5个")
    intake = Intake.objects.get()
    form = values(text(desk.at(desk.clerk).get(f"{ORDERS}new/?intake={intake.pk}")))
    assert form["lines-0-product"] == str(desk.bearing.pk), "轴承 is all that there is to go by"
    form |= {"lines-0-product": str(desk.seal.pk), "intake": str(intake.pk), "request_key": "k-2"}
    assert desk.at(desk.clerk).post(f"{ORDERS}new/", form).status_code == 302
    paste(desk, desk.clerk, "小轴承 8个")
    page = text(desk.at(desk.clerk).get(f"{ORDERS}new/?intake={Intake.objects.latest('pk').pk}"))
    assert values(page)["lines-0-product"] == str(desk.seal.pk)
    assert "以前这样叫过" in page
    assert "猜的" not in page


def test_an_order_that_is_refused_leaves_the_message_waiting_and_says_what_is_wrong(desk):
    paste(desk, desk.clerk, "天外飞仙 9个")
    intake = Intake.objects.get()
    page = text(desk.at(desk.clerk).get(f"{ORDERS}new/?intake={intake.pk}"))
    assert "没认出来，在下面选" in page
    form = values(page) | {"intake": str(intake.pk)}
    assert form["lines-0-product__text"] == "天外飞仙", "what was said stands in the cell to be looked up"
    answer = desk.at(desk.clerk).post(f"{ORDERS}new/", form)
    assert answer.status_code == 422
    assert "天外飞仙 9个" in text(answer)
    assert (Order.objects.count(), Intake.objects.get().state) == (0, "new")


def test_a_message_is_made_into_one_order_whoever_is_quicker(desk):
    paste(desk, desk.clerk)
    intake = Intake.objects.get()
    first = values(text(desk.at(desk.clerk).get(f"{ORDERS}new/?intake={intake.pk}"))) | {"intake": str(intake.pk)}
    second = values(text(desk.at(desk.rep).get(f"{ORDERS}new/?intake={intake.pk}"))) | {"intake": str(intake.pk)}
    assert desk.at(desk.clerk).post(f"{ORDERS}new/", first | {"request_key": "a"}).status_code == 302
    answer = desk.at(desk.rep).post(f"{ORDERS}new/", second | {"request_key": "b"})
    assert answer.status_code == 422
    assert f"{intake.number} 已经有人录成订单了" in text(answer)
    assert Order.objects.count() == 1


def test_a_form_that_begins_with_a_message_leaves_the_draft_of_another_order_alone(desk):
    client = desk.at(desk.clerk)
    client.post(f"{ORDERS}draft/0/", {"customer_po": "PO-77"})
    paste(desk, desk.clerk)
    intake = Intake.objects.get()
    page = text(client.get(f"{ORDERS}new/?intake={intake.pk}"))
    assert "PO-77" not in page
    form = values(page) | {"intake": str(intake.pk), "request_key": "c"}
    assert form["undrafted"] == "1"
    assert client.post(f"{ORDERS}new/", form).status_code == 302
    assert Draft.objects.count() == 1
    assert "PO-77" in text(client.get(f"{ORDERS}new/"))


def test_a_rep_hands_in_what_the_customer_bought_last_with_a_photo_and_the_clerk_finds_it_waiting(desk):
    factories.approved(factories.order(desk.customer, {"product": desk.bearing.pk, "quantity": "40", "price": "18"}))
    phone = desk.at(desk.rep)
    page = text(phone.get(f"{PASTE}?customer={desk.customer.pk}"))
    assert "这家上次买的" in page
    photo = SimpleUploadedFile("手写单.png", PNG, content_type="image/png")
    answer = phone.post(PASTE, {"customer": desk.customer.pk, "said": "", f"q-{desk.bearing.pk}": "60", "note": "急",
                                "go": "hand", "photo": photo})  # fmt: skip
    intake = Intake.objects.get()
    assert answer["Location"] == f"{LIST}{intake.pk}/"
    home = text(desk.at(desk.clerk).get("/"))
    assert "录入来单：昆山澄江精密" in home
    assert "周启明交的" in home
    page = text(desk.at(desk.clerk).get(f"{ORDERS}new/?intake={intake.pk}"))
    form = values(page)
    assert (form["lines-0-product"], form["lines-0-quantity"]) == (str(desk.bearing.pk), "60")
    assert "手写单.png" in page, "the photo is the original to type from"


def test_one_that_lacks_something_goes_back_and_comes_again(desk):
    paste(desk, desk.rep, "要一批货", go="hand")
    intake = Intake.objects.get()
    clerk, rep = desk.at(desk.clerk), desk.at(desk.rep)
    assert clerk.post(f"{LIST}{intake.pk}/give_back/", {"reason": "要哪种，多少？"}).status_code in (200, 302)
    intake.refresh_from_db()
    assert (intake.state, intake.reason) == ("back", "要哪种，多少？")
    home = text(rep.get("/"))
    assert "补充来单：昆山澄江精密" in home
    edited = rep.post(f"{LIST}{intake.pk}/edit/", {"customer": desk.customer.pk, "said": "ZC-6204 5个", "note": ""})
    assert edited.status_code == 302
    assert rep.post(f"{LIST}{intake.pk}/hand_again/", {}).status_code in (200, 302)
    intake.refresh_from_db()
    assert (intake.state, intake.reason) == ("new", "")


def test_the_same_as_last_time_brings_the_last_order(desk):
    factories.approved(factories.order(desk.customer, {"product": desk.seal.pk, "quantity": "70", "price": "4"}))
    paste(desk, desk.clerk, "照上次的再来一份")
    page = text(desk.at(desk.clerk).get(f"{ORDERS}new/?intake={Intake.objects.get().pk}"))
    form = values(page)
    assert (form["lines-0-product"], form["lines-0-quantity"]) == (str(desk.seal.pk), "70")
    assert "照上一张订单带出 1 行，核对数量" in page


def test_the_customer_is_guessed_by_his_name_in_the_text_and_marked(desk):
    paste(desk, desk.clerk, "昆山澄江精密有限公司 要 ZC-6204 5个", customer="")
    intake = Intake.objects.get()
    assert (intake.customer, intake.owner) == (None, desk.clerk)
    page = text(desk.at(desk.clerk).get(f"{ORDERS}new/?intake={intake.pk}"))
    assert "ZC-6204" in page
    if "认成「昆山澄江精密」" in page:
        assert values(page)["customer"] == str(desk.customer.pk)


def test_nobody_else_sees_a_message_or_begins_an_order_with_it(desk):
    paste(desk, desk.clerk)
    intake = Intake.objects.get()
    stranger = factories.person(position_=factories.rep_position("own", orders_view="own", orders_create="own",
                                                                intake_view="own"))  # fmt: skip
    client = desk.at(stranger)
    assert client.get(f"{LIST}{intake.pk}/").status_code == 404
    page = text(client.get(f"{ORDERS}new/?intake={intake.pk}"))
    assert "李建国" not in page
    answer = client.post(f"{ORDERS}new/", {"intake": str(intake.pk), "lines-0-item_name": "x"})
    assert answer.status_code == 422
    assert client.get(PASTE).status_code in (403, 404)


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0f01f0005"
    "000201a5c86b6a0000000049454e44ae426082"
)
