"""Quotes and the rest of the house: deals before, approval, search, files in, customers merged, templates by right."""

from datetime import timedelta

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals import actions as approvals
from neiqin.kernel.approvals.models import Request
from neiqin.kernel.exchange.models import Import
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.duplicates import merging
from neiqin.modules.orders.models import Order
from neiqin.modules.quotes import actions, drafting
from neiqin.modules.quotes.deals import deals
from neiqin.modules.quotes.models import Quote, Template
from tests import factories
from tests.exchange.test_export import body, export, sheets
from tests.exchange.test_import import folder  # noqa: F401 - a fixture
from tests.quotes.desk import QUOTES, Desk, again

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def bearing():
    made = factories.product(name="深沟球轴承")
    factories.price_list({made: 100})
    return made


def asked(desk, product, address="/quotes/check/", **head):
    """What the form hears beside a line of ten."""
    data = {
        "head": {"customer": str(desk.customer.pk)} | head,
        "rows": [["0", {"product": str(product.pk), "quantity": "10"}]],
    }
    return desk.at(desk.clerk).post(address, {"data": orjson.dumps(data).decode()}).json()


def test_beside_a_line_stand_the_last_price_and_the_last_five_deals(desk, bearing):
    prices = (96, 97, 98, 99, 100, 101)
    for ago, price in enumerate(prices, 1):
        day = str(clock.today() - timedelta(days=10 * ago))
        line = {"product": bearing.pk, "quantity": "2", "price": str(price)}
        factories.approved(factories.order(desk.customer, line, doc_date=day))
    quote = desk.sent({"product": bearing.pk, "quantity": "3", "price": "99"})
    desk.write({"product": bearing.pk, "quantity": "3", "price": "50"})
    other = factories.order(factories.customer(), {"product": bearing.pk, "quantity": "2", "price": "60"})
    factories.approved(other)
    said = asked(desk, bearing)
    row = said["rows"]["0"]
    assert (row["cells"]["last"], row["cells"]["off_rate"], row["price"]) == ("96", "100%", "100")
    found = deals(desk.customer.pk, [bearing.pk], actor_of(desk.clerk.pk))[bearing.pk]
    assert [(d.price, d.sold) for d in found] == [(99, False), (96, True), (97, True), (98, True), (99, True)]
    assert row["titles"]["last"].count("\n") == 4
    assert f"报价 99，3个，{quote.number}" in row["titles"]["last"]
    assert "这家客户以前的成交和报价" in said["html"]
    assert other.number not in said["html"], "another customer's price is none of it"


def test_deals_are_only_those_the_person_may_see(desk, bearing):
    factories.approved(factories.order(desk.customer, {"product": bearing.pk, "quantity": "2", "price": "96"}))
    assert deals(desk.customer.pk, [bearing.pk], actor_of(desk.clerk.pk))
    assert deals(desk.customer.pk, [bearing.pk], actor_of(desk.stranger.pk)) == {}


def test_the_form_of_a_quote_that_is_edited_knows_its_customer(desk, bearing):
    quote = desk.write({"product": bearing.pk, "quantity": "10"})
    page = desk.at(desk.clerk).get(f"{QUOTES}{quote.pk}/edit/").content.decode()
    assert f'data-check="/quotes/check/?id={quote.pk}"' in page
    said = asked(desk, bearing, f"/quotes/check/?id={quote.pk}", customer="")
    assert said["rows"]["0"]["cells"]["list_price"] == "100"
    stranger = desk.at(desk.stranger).post(f"/quotes/check/?id={quote.pk}", {"data": '{"head":{},"rows":[]}'})
    assert stranger.status_code == 200, "and tells nobody else of it"


def test_what_the_manager_agrees_to_is_sent_as_it_was(desk, bearing):
    quote = desk.write({"product": bearing.pk, "quantity": "1", "price": "93"})
    desk.do(desk.rep, quote, "send")
    request = Request.objects.get()
    assert (request.record_id, request.route) == (quote.pk, "销售经理")
    refused = perform(actions.edit, [quote.pk], by=actor_of(desk.clerk.pk), params={"place": "上海"}).refused
    assert "正在审批" in refused[quote.pk].text
    page = desk.page(desk.manager, f"/approvals/request/{request.pk}/")
    assert "93.0 折" in page
    assert perform(approvals.agree, [request.pk], by=actor_of(desk.manager.pk)).done
    assert (again(quote).state, again(quote).stage) == ("sent", "sent")


def test_a_quote_is_found_by_number_and_customer(desk):
    quote = desk.sent()
    drain()
    for typed in (quote.number, "澄江精密"):
        assert f"{QUOTES}{quote.pk}/" in desk.at(desk.clerk).get("/search/", {"q": typed}).content.decode()
        assert f"{QUOTES}{quote.pk}/" not in desk.at(desk.stranger).get("/search/", {"q": typed}).content.decode()


def test_the_customers_page_shows_its_quotes(desk):
    quote = desk.sent()
    assert quote.number in desk.page(desk.clerk, f"/customers/customer/{desk.customer.pk}/")


def test_quotes_come_in_from_a_file_line_by_line(desk, bearing, folder):  # noqa: F811
    keeper = factories.person(position_=factories.rep_position(
        "all", quotes_view="all", quotes_create="all", catalog_view="all", exchange_import="all"))  # fmt: skip
    until = clock.today() + timedelta(days=20)
    body = "\n".join([
        "客户,报价日期,有效期,物料编码,品名,数量,单价,交期",
        f"昆山澄江精密,{clock.today()},{until},{bearing.code},,10,,7",
        f"昆山澄江精密,{clock.today()},{until},,油封,3,2.5,",
    ])  # fmt: skip
    web = factories.sign_in(Client(), keeper)
    file = SimpleUploadedFile("报价.csv", body.encode("utf-8-sig"))
    assert web.post("/imports/upload/", {"kind": "quotes.quote", "mode": "new", "file": file}).status_code == 302
    drain()
    imp = Import.objects.latest("pk")
    assert imp.state == "ready", imp.sentence
    web.post(f"/imports/{imp.pk}/start/", {"request_key": "x"})
    drain()
    found = Quote.objects.values_list("name", "amount", "valid_until")
    assert list(found) in (
        [("昆山澄江精密", 1000, until), ("昆山澄江精密", 7.5, until)],
        [("昆山澄江精密", 1007.5, until)],
    )


def test_quotes_go_along_when_a_customer_is_merged(desk):
    quote = desk.sent()
    other = factories.customer(actor_of(desk.rep.pk), name="昆山澄江精密机械")
    outcome = perform(merging.merge, [desk.customer.pk, other.pk], by=SYSTEM, params={"keep": other.pk})
    assert outcome.done, outcome.refused
    found = again(quote)
    assert (found.customer_id, found.owner_id, found.version) == (other.pk, quote.owner_id, quote.version)


def test_templates_are_seen_by_who_quotes_and_made_by_who_may(desk):
    template = factories.quote_template(name="常规")
    assert "常规" in desk.page(desk.clerk, f"/quotes/template/{template.pk}/")
    seller = factories.person(position_=factories.position("报价员", quotes_view="own", quotes_create="own"))
    assert desk.at(seller).get("/quotes/template/new/").status_code == 404
    assert "常规" in desk.page(seller, "/quotes/template/")
    refused = perform(drafting.create_template, by=actor_of(desk.clerk.pk),
                      rows=[{"name": "常规", "lines": [{"item_name": "轴承", "quantity": "1"}]}]).refused  # fmt: skip
    assert refused[0].text == "「模板名称」常规 已经用了，换一个。"
    assert Template.objects.count() == 1


def test_what_is_stopped_in_between_is_not_pushed_down_and_says_so(desk, bearing):
    quote = desk.accepted({"product": bearing.pk, "quantity": "1"})
    type(bearing).objects.filter(pk=bearing.pk).update(state="stopped")
    answer = desk.push(desk.clerk, quote)
    assert answer.status_code == 422
    assert "已停售" in answer.content.decode()
    assert not Order.objects.exists()
    assert again(quote).state == "accepted"


def test_the_button_pushes_down_all_that_remains(desk):
    quote = desk.accepted()
    page = desk.at(desk.clerk).get(f"{QUOTES}{quote.pk}/push_down/")
    assert page.status_code == 200
    assert not Order.objects.exists(), "a look ahead writes no order"
    assert desk.do(desk.clerk, quote, "push_down", required_on="2099-01-02").status_code == 200
    order = Order.objects.get()
    assert (order.amount, str(order.required_on)) == (200, "2099-01-02")
    assert order.number in desk.page(desk.clerk, f"{QUOTES}{quote.pk}/")
    assert "push_down" not in desk.at(desk.clerk).get(f"{QUOTES}{quote.pk}/").content.decode()


def test_the_api_pushes_down_named_lines_and_says_what_is_wrong(desk):
    quote = desk.accepted()
    api, line = factories.api(Client(), desk.clerk), quote.lines.get()
    address = f"/api/v1/quotes/{quote.pk}/push_down"

    def push(*lines):
        return api.post(address, {"lines": list(lines)}, content_type="application/json")

    assert push({"quote_line": line.pk, "quantity": "11"}).status_code == 409
    assert push({"quote_line": line.pk + 1000, "quantity": "1"}).status_code == 409
    assert push({"quote_line": line.pk, "quantity": "-1"}).status_code == 409
    twice = {"quote_line": line.pk, "quantity": "1"}
    assert push(twice, twice).status_code == 409
    assert not Order.objects.exists()
    assert push({"quote_line": line.pk, "quantity": "2.5"}).status_code == 200
    assert Order.objects.get().lines.get().quantity == 2.5


def test_the_list_goes_out_with_the_stage_that_people_see(desk, folder):  # noqa: F811
    day = str(clock.today() - timedelta(days=1))
    over = desk.sent(doc_date=day, valid_until=day)
    desk.sent()
    web = desk.at(factories.person("方静仪", position_=factories.rep_position(
        "all", quotes_view="all", exchange_export="all")))  # fmt: skip
    made = export(web, "f=state:in:expired", kind="quotes.quote", purpose="")
    assert (made.state, made.done) == ("done", 1), made.sentence
    rows = next(iter(sheets(body(web, made)).values()))
    row = dict(zip(rows[0], rows[1], strict=True))
    assert (row["单号"], row["状态"], row["价税合计"]) == (over.number, "已过期", 200)


def test_a_new_version_is_found_too(desk):
    newer = desk.renewed(desk.sent())
    drain()
    assert f"{QUOTES}{newer.pk}/" in desk.at(desk.clerk).get("/search/", {"q": newer.number}).content.decode()
