"""退换货 through the screens and the customer's page: submitted, decided, inspected, settled (C-ORD-18)."""

import base64
import re
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals.models import Request, Task
from neiqin.kernel.files.models import Attachment
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers.models import Contact
from neiqin.modules.orders import booking, progress
from neiqin.modules.orders.models import Order, Progress, Return
from neiqin.modules.returns import asking
from neiqin.modules.returns.models import Ticket
from neiqin.modules.stock import moving
from neiqin.modules.stock.models import Movement, Stock, Warehouse
from tests import factories
from tests.approvals.office import publish

pytestmark = pytest.mark.django_db
URL = asking.URL
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Desk:
    """周启明 sells, 林知夏 keeps his orders, 陆建国 decides, 曹仓 inspects; 外人 is elsewhere. Ten bearings of a box of
    forty are shipped at 20 yuan."""

    def __init__(self):
        own = {f"customers_{r}": "own" for r in factories.CUSTOMER_RIGHTS} | {"approvals_view": "own"}
        own |= {f"orders_{r}": "own" for r in ("view", "create", "edit", "answer", "ship")}
        own |= {f"returns_{r}": "own" for r in ("view", "create", "handle")}
        self.unit = factories.unit("华东一组")
        self.rep = self._person("周启明", "销售代表", own)
        self.clerk = self._person("林知夏", "销售助理", own)
        factories.works_for(self.clerk, self.rep)
        self.manager = self._person("陆建国", "销售经理", dict.fromkeys(own, "below"))
        keeper = dict.fromkeys(("orders_view", "orders_return", "returns_view", "stock_view"), "all")
        self.keeper = self._person("曹仓", "仓储物流", keeper)
        self.other = self._person("外人", "别处代表", own, factories.unit("华北组"))
        type(self.unit).objects.filter(pk=self.unit.pk).update(leader=self.manager)
        self.customer = factories.customer(actor_of(self.rep.pk), name="昆山澄江精密")
        self.bearing, self.main = factories.product(), factories.warehouse(main=True)
        factories.stocked(self.bearing, 40, self.main)

    def _person(self, name, position, rights, unit=None):
        return factories.person(name, unit_=unit or self.unit, position_=factories.position(position, **rights))

    def at(self, someone) -> Client:
        return factories.sign_in(Client(), someone)

    def order(self, **values) -> Order:
        line = {"product": self.bearing.pk, "quantity": "10", "price": "20"}
        made = factories.approved(factories.order(self.customer, line, by=actor_of(self.clerk.pk), **values))
        factories.shipped(made, 10)
        made.refresh_from_db()
        return made

    def page(self, order) -> str:
        return progress.path_of(order, Contact.objects.get(customer=self.customer).pk) + "return/"

    def asked(self, order, quantity="2", client=None, **values):
        """The customer submits on its phone; the answer and the ticket."""
        line = order.lines.get()
        form = {"kind": "refund", "reason": "customer", f"q-{line.pk}": quantity} | values
        answer = (client or Client()).post(self.page(order), form)
        return answer, Ticket.objects.order_by("pk").last()

    def do(self, who, ticket, verb, **given):
        answer = self.at(who).post(f"{URL}{ticket.pk}/{verb}/", given)
        ticket.refresh_from_db()
        return answer.content.decode()

    def inspected(self, ticket, **parts):
        line = ticket.lines.get()
        form = {"id": ticket.pk, **{f"{name}-{line.pk}": text for name, text in parts.items()}}
        answer = self.at(self.keeper).post("/returns/inspect/", form)
        ticket.refresh_from_db()
        return answer

    def there(self, place) -> D:
        return sum(Stock.objects.filter(warehouse=place).values_list("on_hand", flat=True), D(0))


@pytest.fixture
def gated():
    """The desk under the table 《审批路线》 that is shipped."""
    return Desk()


@pytest.fixture
def desk():
    """The desk of a company where nobody has to agree."""
    publish()
    return Desk()


def words(answer) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", answer.content.decode()))


def test_two_pieces_by_link_one_fails_credit_for_one_in_four_steps(gated):
    desk = gated
    bad = factories.warehouse("不良品仓", bad=True)
    order, phone = desk.order(), Client()
    assert desk.there(desk.main) == 30
    photo = SimpleUploadedFile("我家.png", PNG, "image/png")
    answer, ticket = desk.asked(order, client=phone, photo=photo)
    assert answer.status_code == 302, words(answer)
    assert (ticket.state, ticket.amount, ticket.credit, ticket.owner) == ("asked", 40, 0, desk.rep)
    assert re.match(r"TH\d{8}-\d{4}$", ticket.number)
    assert Attachment.objects.get(kind=asking.KEY, record_id=ticket.pk).name == "照片1.png"
    seen = words(phone.get(desk.page(order)))
    assert f"退货退款 {ticket.number}" in seen
    assert "照片 1 张" in seen
    assert "审批 正在办" in seen

    request = Request.objects.get(model=asking.KEY, record_id=ticket.pk)
    task = Task.objects.get(request=request, state="open")
    assert task.person == desk.manager, "handing in and asking for consent are one step"
    desk.at(desk.manager).post(f"/approvals/request/{request.pk}/agree/", {})
    ticket.refresh_from_db()
    assert ticket.state == "awaited"
    phone.post(desk.page(order), {"ticket": ticket.pk, "waybill": "SF123"})
    ticket.refresh_from_db()
    assert ticket.waybill == "SF123"
    assert "寄回、验货 正在办" in words(phone.get(desk.page(order)))

    answer = desk.inspected(ticket, good="1", bad="1", waybill="SF123")
    assert answer.status_code == 302, words(answer)
    assert (ticket.state, ticket.credit) == ("inspected", 20)
    assert (desk.there(desk.main), desk.there(bad)) == (31, 1)
    assert Progress.objects.get(order=order).returned == 10, "the order knows of the one that was accepted"
    assert Return.objects.get(order=order) == ticket.returned
    assert "认可 1" in words(phone.get(desk.page(order)))

    assert "先选「发票怎么办」" in desk.do(desk.clerk, ticket, "settle")
    desk.do(desk.clerk, ticket, "settle", invoice_way="reduced")
    assert (ticket.state, ticket.credit) == ("settled", 20)
    seen = words(phone.get(desk.page(order)))
    assert "退款 20.00 元" in seen
    assert "正在办" not in seen
    page = words(desk.at(desk.clerk).get(f"{URL}{ticket.pk}/"))
    assert "步骤：人工 4 步，原来 7 步" in page


def test_the_link_reaches_its_own_order_only(desk):
    order, other = desk.order(), desk.order()
    foreign = other.lines.get()
    answer = Client().post(desk.page(order), {"kind": "refund", "reason": "customer", f"q-{foreign.pk}": "1"})
    assert answer.status_code == 422
    assert not Ticket.objects.exists()
    _, theirs = desk.asked(other)
    assert theirs.number not in words(Client().get(desk.page(order)))
    Ticket.objects.filter(pk=theirs.pk).update(state="awaited")
    assert Client().post(desk.page(order), {"ticket": theirs.pk, "waybill": "X"}).status_code == 409
    theirs.refresh_from_db()
    assert theirs.waybill == ""
    assert Client().get(desk.page(order).replace("/g/order/", "/g/order/1")).status_code == 404


def test_never_more_than_was_shipped_and_not_asked_for_yet(desk):
    order = desk.order()
    assert desk.asked(order, "8")[0].status_code == 302
    answer, _ = desk.asked(order, "3")
    assert "发了、还没退换的只有 2" in words(answer)
    assert Ticket.objects.count() == 1
    factories.returned(order.deliveries.get(), 1)
    assert "只有 1" in words(desk.asked(order, "2")[0])
    assert desk.asked(order, "1")[0].status_code == 302
    ticket = Ticket.objects.order_by("pk")[0]
    desk.do(desk.clerk, ticket, "withdraw", reason="不退了")
    assert desk.asked(order, "8")[0].status_code == 302, "what is withdrawn may be asked for again"


def test_bad_pieces_without_a_warehouse_for_them_enter_no_stock(desk):
    order = desk.order()
    ticket = factories.ticket(order)
    desk.do(desk.clerk, ticket, "approve")
    assert desk.inspected(ticket, bad="2", accepted="2").status_code == 302
    assert (desk.there(desk.main), ticket.credit) == (30, 40)
    assert not Movement.objects.filter(model=asking.KEY).exists()
    assert "没有放不良品的仓库" in words(desk.at(desk.clerk).get(f"{URL}{ticket.pk}/"))


def test_a_result_that_cannot_be_is_told_and_changes_nothing(desk):
    ticket = factories.ticket(desk.order())
    desk.do(desk.clerk, ticket, "approve")
    for parts, told in (
        ({"good": "2", "bad": "1"}, "收到的加起来是 3"),
        ({"good": "1", "accepted": "2"}, "认可的不能更多"),
        ({}, "一件都没有收到"),
    ):
        answer = desk.inspected(ticket, **parts)
        assert answer.status_code == 422
        assert told in words(answer)
    assert ticket.state == "awaited"
    assert not Return.objects.exists()
    assert desk.there(desk.main) == 30


def test_money_only_and_sent_again_skip_the_receiving(desk):
    order = desk.order()
    money, again = factories.ticket(order, 1, kind="money"), factories.ticket(order, 1, kind="again")
    for ticket in (money, again):
        desk.do(desk.clerk, ticket, "approve")
        assert ticket.state == "inspected"
        desk.do(desk.clerk, ticket, "settle", invoice_way="red" if ticket == money else "")
    assert (money.state, money.credit, money.sent_again) == ("settled", 20, None)
    assert (again.state, again.credit) == ("settled", 0)
    made = again.sent_again
    assert (made.state, made.amount, made.customer) == ("draft", 0, desk.customer)
    assert made.lines.get().quantity == 1
    assert made.lines.get().is_gift
    assert order.number in made.remark
    assert again.number in made.remark
    assert not Return.objects.exists()
    assert desk.there(desk.main) == 30


def test_an_exchange_brings_goods_back_and_orders_new_ones_without_credit(desk):
    order = desk.order()
    ticket = factories.ticket(order, kind="exchange", reason="wrong")
    desk.do(desk.clerk, ticket, "approve")
    desk.inspected(ticket, good="2")
    desk.do(desk.clerk, ticket, "settle")
    assert (ticket.state, ticket.credit, desk.there(desk.main)) == ("settled", 0, 32)
    assert ticket.sent_again.lines.get().quantity == 2


def test_a_repair_touches_neither_stock_nor_the_order(desk):
    order = desk.order()
    ticket = factories.ticket(order, 1, kind="repair")
    desk.do(desk.clerk, ticket, "approve")
    desk.inspected(ticket, bad="1")
    desk.do(desk.clerk, ticket, "settle", note="修好寄回 SF9")
    assert (ticket.state, ticket.credit, ticket.sent_again, desk.there(desk.main)) == ("settled", 0, None, 30)
    assert asking.left_of([order.lines.get().pk]) == {order.lines.get().pk: 10}, "it is the customer's again"


def test_who_has_no_right_or_sees_nothing_of_it_stays_outside(desk):
    ticket = factories.ticket(desk.order())
    assert desk.at(desk.other).get(f"{URL}{ticket.pk}/").status_code == 404
    assert desk.at(desk.clerk).get(f"/returns/inspect/?id={ticket.pk}").status_code == 403
    assert desk.at(desk.other).get(f"/returns/new/?id={ticket.order_id}").status_code == 404


def test_a_refusal_says_why_to_the_customer(desk):
    order = desk.order()
    ticket = factories.ticket(order)
    desk.do(desk.clerk, ticket, "refuse", reason="已拆封使用")
    assert ticket.state == "refused"
    seen = words(Client().get(desk.page(order)))
    assert "答复：已拆封使用" in seen
    assert "不同意 到此为止" in seen


def test_what_a_ticket_booked_is_not_voided_alone(desk):
    ticket = factories.ticket(desk.order())
    desk.do(desk.clerk, ticket, "approve")
    desk.inspected(ticket, good="2")
    outcome = perform(booking.void_return, [ticket.returned_id], by=SYSTEM, params={"reason": "x"})
    assert not outcome.done
    assert ticket.number in outcome.refused[ticket.returned_id].text
    assert Return.objects.get().state == "booked"


def test_nothing_is_shipped_from_or_promised_out_of_a_warehouse_of_bad_goods(desk):
    factories.warehouse("不良品仓", bad=True, main=False)
    assert moving.main_warehouse() == desk.main
    Warehouse.objects.filter(pk=desk.main.pk).update(bad=True)
    assert moving.main_warehouse() is None or moving.main_warehouse() != desk.main


def test_many_small_parts_never_make_more_than_the_whole(desk):
    line = desk.order().lines.get()
    line.gross, line.quantity = D("200.00"), D(3)
    assert [asking.share(line, D(n), D(1)) for n in range(3)] == [D("66.67"), D("66.66"), D("66.67")]


def test_staff_enter_it_on_the_order_and_see_it_there_and_at_the_customer(desk):
    order = desk.order()
    line = order.lines.get()
    page = desk.at(desk.clerk).get(f"/returns/new/?id={order.pk}")
    assert "还能退换" in words(page)
    form = {"id": order.pk, "kind": "refund", "reason": "broken", f"q-{line.pk}": "1"}
    assert desk.at(desk.clerk).post("/returns/new/", form).status_code == 302
    ticket = Ticket.objects.get()
    assert not ticket.by_customer
    for url in (f"/orders/order/{order.pk}/", f"/customers/customer/{desk.customer.pk}/", URL):
        assert ticket.number in words(desk.at(desk.clerk).get(url)), url
    assert "决定退换货" in words(desk.at(desk.clerk).get("/"))


def test_the_api_names_what_a_line_is_about_by_its_id_as_it_takes_it(desk):
    order = desk.order()
    line, api = order.lines.get(), factories.api(Client(), desk.clerk)
    (told,) = api.get(f"/api/v1/orders/{order.pk}").json()["lines"]
    assert (told["id"], told["product"]) == (line.pk, {"id": desk.bearing.pk, "name": "深沟球轴承"})
    row = {"order": order.pk, "kind": "refund", "reason": "broken",
           "lines": [{"order_line": told["id"], "quantity": "1"}]}  # fmt: skip
    made = api.post("/api/v1/return-tickets", row, content_type="application/json")
    assert made.status_code == 201, made.content.decode()
    (given,) = made.json()["lines"]
    assert (given["order_line"], D(given["quantity"])) == (line.pk, 1)
    gone = api.get(f"/api/v1/deliveries/{order.deliveries.get().pk}").json()["lines"]
    assert [one["order_line"] for one in gone] == [line.pk]
