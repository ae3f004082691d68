"""Quotes through their screens and the API: written, priced, sent, answered, renewed, pushed down to orders."""

import re
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders.models import Order
from neiqin.modules.quotes import actions, drafting, pushing
from neiqin.modules.quotes.comparing import differences
from neiqin.modules.quotes.models import Quote, Template
from neiqin.modules.quotes.printed import sheets
from tests import factories
from tests.quotes.desk import QUOTES, Desk, again, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return Desk()


def stage(quote) -> str:
    return again(quote).stage


def test_a_quote_belongs_to_the_customers_owner_and_adds_up_line_by_line(desk):
    quote = desk.write(
        {"item_name": "轴承", "quantity": "12", "price": "18.50", "days": "7"},
        {"item_name": "密封件", "quantity": "3", "price": "99.99"},
        order_discount="21.97", contact="潘工", contact_phone="13800138000", place="昆山工厂", warranty="12 个月",
    )  # fmt: skip
    assert re.fullmatch(r"BJ\d{8}-0001", quote.number)
    assert (quote.owner_id, quote.clerk_id, quote.name) == (desk.rep.pk, desk.clerk.pk, "昆山澄江精密")
    assert (quote.state, quote.edition, quote.amount) == ("draft", 1, D("500.00"))
    assert sum(line.off for line in quote.lines.all()) == D("21.97")
    page = desk.page(desk.clerk, f"{QUOTES}{quote.pk}/")
    for said in (quote.number, "昆山工厂", "12 个月", "潘工", "138****8000"):
        assert said in page, said


def test_a_line_is_priced_by_the_list_by_its_factor_or_by_hand(desk):
    product = factories.product(name="深沟球轴承")
    factories.price_list({product: 100}, name="标准价表")
    quote = desk.write(
        {"product": product.pk, "quantity": "1"}, {"product": product.pk, "quantity": "1", "factor": "0.95"},
        {"product": product.pk, "quantity": "1", "price": "97"},
    )  # fmt: skip
    found = quote.lines.order_by("pk").values_list("list_price", "price", "factor")
    assert list(found) == [(100, 100, 1), (100, 95, D("0.95")), (100, 97, D("0.97"))]
    assert quote.amount == 292
    rules = list(quote.lines.order_by("pk").values_list("price_rule", flat=True))
    assert "标准价《标准价表》" in rules[0]
    assert rules[1:] == ["标准价 100 × 0.95", "手工定价"]


def test_a_price_is_said_with_all_its_places(desk):
    product = factories.product(name="深沟球轴承")
    factories.price_list({product: "18.50"})
    quote = desk.sent({"product": product.pk, "quantity": "45", "factor": "0.97"})
    assert quote.amount == D("807.53")
    assert "含税单价 17.945，金额 807.53" in desk.page(desk.clerk, f"/quotes/text/?id={quote.pk}")
    (sheet,) = sheets([quote], actor_of(desk.clerk.pk))
    assert sheet["rows"][0][5:7] == ["17.945", "807.53"]


def test_an_edit_of_the_draft_adds_up_anew_and_a_sent_quote_is_not_edited(desk):
    quote = desk.write()
    line = quote.lines.get()
    changed = {"lines": [{"id": line.pk, "quantity": "5"}, {"item_name": "油封", "quantity": "1", "price": "3"}]}
    assert perform(actions.edit, [quote.pk], by=actor_of(desk.clerk.pk), params=changed).done
    assert again(quote).amount == 103
    desk.moved(quote, "send")
    refused = perform(actions.edit, [quote.pk], by=actor_of(desk.clerk.pk), params={"place": "上海"}).refused
    assert refused[quote.pk].text == "状态是「已发送」，不能修改报价单。"
    assert again(quote).place == ""


@pytest.mark.clause("C-LEAD-10")
def test_a_quote_valid_to_yesterday_shows_expired_and_becomes_no_order_but_its_new_version_does(desk):
    yesterday = clock.today() - timedelta(days=1)
    quote = desk.write(doc_date=str(yesterday), valid_until=str(yesterday))
    desk.moved(quote, "send")
    page = desk.page(desk.clerk, f"{QUOTES}{quote.pk}/")
    assert "已过期" in page
    assert quote.number in desk.page(desk.clerk, f"{QUOTES}?f=state:in:expired")
    assert quote.number not in desk.page(desk.clerk, f"{QUOTES}?f=state:in:sent")
    answer = desk.do(desk.clerk, quote, "accept", how="call", proof="潘工来电")
    assert (answer.status_code, "已过期" in words(answer)) == (409, True)
    assert desk.push(desk.clerk, quote).status_code == 422
    api = factories.api(Client(), desk.clerk)
    for verb, params in (("accept", {"how": "call", "proof": "x"}), ("push_down", {})):
        answer = api.post(f"/api/v1/quotes/{quote.pk}/{verb}", params, content_type="application/json")
        assert answer.status_code == 409, (verb, answer.status_code, answer.content.decode())
    assert not Order.objects.exists()
    newer = desk.renewed(quote)
    assert newer.number == f"{quote.number}-V2"
    desk.moved(newer, "send")
    desk.moved(newer, "accept", how="call", proof="潘工来电")
    assert desk.push(desk.clerk, newer).status_code == 302
    order = Order.objects.get()
    assert (order.state, order.amount, order.customer_id) == ("draft", 200, desk.customer.pk)


def test_an_accepted_quote_is_not_pushed_down_after_its_last_day(desk):
    quote = desk.accepted()
    Quote.objects.filter(pk=quote.pk).update(valid_until=clock.today() - timedelta(days=1), doc_date="2026-01-01")
    assert desk.push(desk.clerk, quote).status_code == 422
    assert "不能再推" in desk.page(desk.clerk, f"{QUOTES}{quote.pk}/")
    assert not Order.objects.exists()


def test_each_version_stays_readable_and_the_page_shows_what_differs(desk):
    first = desk.sent(
        {"item_name": "轴承", "quantity": "10", "price": "20"}, {"item_name": "油封", "quantity": "2", "price": "5"},
        {"item_name": "轴套", "quantity": "1", "price": "8"}, warranty="6 个月",
    )  # fmt: skip
    second = desk.renewed(first)
    assert (second.number, second.edition, second.state) == (f"{first.number}-V2", 2, "draft")
    bearing, seal, _ = second.lines.order_by("pk")
    changed = {
        "warranty": "12 个月",
        "lines": [
            {"id": bearing.pk, "price": "19"}, {"id": seal.pk, "delete": True},
            {"item_name": "垫片", "quantity": "3", "price": "1"},
        ],
    }  # fmt: skip
    assert perform(actions.edit, [second.pk], by=actor_of(desk.clerk.pk), params=changed).done
    assert stage(first) == "sent", "until its successor is sent, it holds"
    desk.moved(second, "send")
    assert stage(first) == "replaced"
    found = [(d.how, d.item, d.what, d.before, d.after) for d in differences(again(first), again(second))]
    assert found == [
        ("改了", "", "有效期至", str(first.valid_until), str(second.valid_until)),
        ("改了", "", "质保", "6 个月", "12 个月"), ("改了", "轴承", "含税报价", "20", "19"),
        ("新增", "垫片", "", "", "3 × 1"), ("去掉", "油封", "", "2 × 5", ""),
        ("改了", "", "价税合计", "218.00", "201.00"),
    ][first.valid_until == second.valid_until:]  # fmt: skip
    page = desk.page(desk.clerk, f"{QUOTES}{second.pk}/")
    assert f"和 {first.number} 的差异" in page
    old = desk.page(desk.clerk, f"{QUOTES}{first.pk}/")
    assert "油封" in old
    assert "已有新版本" in old
    assert second.number in old
    answer = desk.do(desk.clerk, first, "accept", how="call", proof="x")
    assert "状态是「已有新版本」" in words(answer)


def test_there_is_one_draft_of_a_next_version_and_none_of_what_was_ordered(desk):
    quote = desk.sent()
    desk.renewed(quote)
    assert "已经有新版本" in words(desk.do(desk.clerk, quote, "renew"))
    assert Quote.objects.count() == 2
    other = desk.accepted()
    desk.push(desk.clerk, other)
    assert "已经下推了订单" in words(desk.do(desk.clerk, other, "renew"))
    assert "先作废那些订单" in words(desk.do(desk.clerk, other, "void", reason="x"))
    assert stage(other) == "accepted"


def test_what_cannot_be_sent_or_renewed_says_why(desk):
    product = factories.product(name="深沟球轴承")
    unpriced = desk.write({"product": product.pk, "quantity": "1"})
    assert "「深沟球轴承」没有报价" in words(desk.do(desk.clerk, unpriced, "send"))
    generous = desk.write(order_discount="300")
    assert "「整单优惠」比明细合计还多" in words(desk.do(desk.clerk, generous, "send"))
    assert (stage(unpriced), stage(generous)) == ("draft", "draft")
    quote = desk.sent(valid_until="2099-12-31")
    yesterday = str(clock.today() - timedelta(days=1))
    assert "「有效期至」已经过了" in words(desk.do(desk.clerk, quote, "renew", valid_until=yesterday))
    assert Quote.objects.count() == 3
    desk.moved(quote, "keep", name="长期")
    assert Template.objects.get().valid_days == 365
    late = {"customer": desk.customer.pk, "doc_date": str(clock.today()), "valid_until": yesterday}
    answer = desk.at(desk.clerk).post(f"{QUOTES}new/", late | {"lines-0-item_name": "x", "lines-0-quantity": "1"})
    assert "「有效期至」早于报价日期" in words(answer)


def test_a_version_is_not_sent_over_one_that_the_customer_has_just_accepted(desk):
    quote = desk.sent()
    second = desk.renewed(quote)
    desk.moved(quote, "accept", how="call", proof="潘工来电")
    assert "客户刚接受了" in words(desk.do(desk.clerk, second, "send"))
    assert (stage(quote), stage(second)) == ("accepted", "draft")
    desk.moved(second, "void", reason="客户接受了上一版")
    third = desk.renewed(quote)
    assert third.number == f"{quote.number}-V3"
    desk.moved(third, "send")
    assert (stage(quote), stage(third)) == ("replaced", "sent")


def test_an_accepted_quote_is_pushed_down_in_parts_until_nothing_remains(desk):
    quote = desk.accepted(
        {"item_name": "轴承", "quantity": "10", "price": "20", "days": "7"},
        {"item_name": "油封", "quantity": "3", "price": "33.33"}, order_discount="9.99", freight="50",
    )  # fmt: skip
    answer = desk.push(desk.clerk, quote, **{"0": "4", "1": "0"})
    first = Order.objects.get()
    assert answer["Location"] == f"/orders/order/{first.pk}/edit/"
    assert list(first.lines.values_list("item_name", "quantity", "price")) == [("轴承", 4, 20)]
    assert (first.freight, first.required_on) == (50, clock.today() + timedelta(days=7))
    answer = desk.push(desk.clerk, quote, **{"0": "7"})
    assert "「轴承」只剩 6 没有下推。" in words(answer)
    assert Order.objects.count() == 1
    assert desk.push(desk.clerk, quote).status_code == 302
    second = Order.objects.latest("pk")
    assert list(second.lines.order_by("pk").values_list("quantity", flat=True)) == [6, 3]
    assert second.freight == 0
    assert first.amount + second.amount == quote.amount
    assert first.order_discount + second.order_discount == D("9.99")
    assert first.paper_total == first.amount
    assert desk.push(desk.clerk, quote).status_code == 422
    for order in (first, second):
        assert quote.number in desk.page(desk.clerk, f"/orders/order/{order.pk}/")
        assert order.number in desk.page(desk.clerk, f"{QUOTES}{quote.pk}/")
    assert "全部下推成订单了" in desk.page(desk.clerk, f"{QUOTES}{quote.pk}/")


def test_what_a_void_order_or_a_deleted_line_had_can_be_pushed_down_again(desk):
    quote = desk.accepted()
    line = quote.lines.get()
    desk.push(desk.clerk, quote, **{"0": "4"})
    desk.push(desk.clerk, quote)
    first, second = Order.objects.order_by("pk")
    assert pushing.left(line, pushing.taken([quote.pk])) == 0
    assert perform(orders.void, [first.pk], by=actor_of(desk.clerk.pk), params={"reason": "重复"}).done
    assert pushing.left(line, pushing.taken([quote.pk])) == 4
    assert "数量退回" in desk.page(desk.clerk, f"{QUOTES}{quote.pk}/")
    other = {
        "lines": [{"id": second.lines.get().pk, "delete": True}, {"item_name": "别的", "quantity": "1", "price": "1"}]
    }
    assert perform(orders.edit, [second.pk], by=actor_of(desk.clerk.pk), params=other).done
    assert pushing.left(line, pushing.taken([quote.pk])) == 10


def test_a_discount_below_what_one_may_give_waits_for_the_manager(desk):
    product = factories.product(name="深沟球轴承")
    factories.price_list({product: 100})
    quote = desk.write({"product": product.pk, "quantity": "1", "price": "93"})
    desk.do(desk.rep, quote, "send")
    assert (again(quote).state, stage(quote)) == ("draft", "pending")
    assert "正在审批" in desk.page(desk.rep, f"{QUOTES}{quote.pk}/")
    assert "审批中" in desk.page(desk.rep, f"{QUOTES}?f=state:in:pending")


def test_a_quote_becomes_a_template_and_a_template_a_quote(desk):
    product = factories.product(name="深沟球轴承")
    factories.price_list({product: 100})
    quote = desk.sent({"product": product.pk, "quantity": "2", "price": "98", "days": "5"}, warranty="12 个月")
    desk.moved(quote, "keep", name="轴承常规")
    template = Template.objects.get()
    assert (template.name, template.warranty, template.valid_days) == ("轴承常规", "12 个月", 30)
    other = factories.customer(actor_of(desk.rep.pk), name="苏州恒昌")
    given = {"of": "quotes.template", "id": template.pk, "customer": other.pk}
    assert desk.at(desk.clerk).get("/quotes/begin/", given).status_code == 200
    answer = desk.at(desk.clerk).post("/quotes/begin/", given)
    made = Quote.objects.latest("pk")
    assert answer["Location"] == f"{QUOTES}{made.pk}/edit/"
    line = made.lines.get()
    assert (made.customer_id, made.state, made.warranty) == (other.pk, "draft", "12 个月")
    assert (line.product_id, line.quantity, line.price, line.days) == (product.pk, 2, 98, 5)
    assert made.valid_until == clock.today() + timedelta(days=30)


def test_another_customers_quote_is_copied_without_its_prices_and_contact(desk):
    product = factories.product(name="深沟球轴承")
    factories.price_list({product: 100})
    quote = desk.sent({"product": product.pk, "quantity": "2", "price": "98"}, contact="潘工", order_discount="5")
    other = factories.customer(actor_of(desk.rep.pk), name="苏州恒昌")
    desk.at(desk.clerk).post("/quotes/begin/", {"of": "quotes.quote", "id": quote.pk, "customer": other.pk})
    made = Quote.objects.latest("pk")
    assert (made.lines.get().price, made.order_discount, bool(made.contact)) == (100, 0, False)
    desk.at(desk.clerk).post("/quotes/begin/", {"of": "quotes.quote", "id": quote.pk, "customer": desk.customer.pk})
    made = Quote.objects.latest("pk")
    assert (made.lines.get().price, made.order_discount, bool(made.contact)) == (98, 5, True)


def test_the_text_for_a_chat_says_all_and_that_it_was_sent_by_hand_is_kept(desk):
    quote = desk.sent(
        {"item_name": "轴承", "spec": "6204", "quantity": "10", "price": "20", "days": "7"}, warranty="1 年"
    )
    page = desk.page(desk.clerk, f"/quotes/text/?id={quote.pk}")
    for said in (
        "1. 轴承 6204，10，含税单价 20.00，金额 200.00，交期 7 天",
        "质保：1 年",
        f"有效期至：{quote.valid_until}",
    ):
        assert said in page, said
    answer = desk.at(desk.clerk).post("/quotes/text/", {"id": quote.pk, "way": "wechat"})
    assert answer["Location"] == f"{QUOTES}{quote.pk}/"
    assert "用微信发给了客户" in desk.page(desk.clerk, f"{QUOTES}{quote.pk}/")


def test_the_owner_is_reminded_of_what_ends_in_three_days_and_of_what_was_accepted(desk):
    soon = desk.sent(valid_until=str(clock.today() + timedelta(days=3)))
    later = desk.sent(valid_until=str(clock.today() + timedelta(days=4)))
    taken = desk.accepted()
    page = desk.page(desk.rep, "/")
    assert f"跟进报价：{soon.number}" in page
    assert later.number not in page
    assert f"下推订单：{taken.number}" in page
    assert soon.number not in desk.page(desk.stranger, "/")


def test_somebody_elses_quotes_are_not_there(desk):
    quote = desk.accepted()
    assert desk.at(desk.stranger).get(f"{QUOTES}{quote.pk}/").status_code == 404
    assert desk.at(desk.stranger).get(f"/quotes/push/?id={quote.pk}").status_code == 404
    assert desk.at(desk.stranger).get(f"/quotes/text/?id={quote.pk}").status_code == 404
    assert desk.at(desk.stranger).get(f"/quotes/begin/?of=quotes.quote&id={quote.pk}").status_code == 404
    refused = perform(pushing.push_down, [quote.pk], by=actor_of(desk.stranger.pk), params={}).refused
    assert refused[quote.pk].code == "missing"
    assert desk.at(desk.manager).get(f"{QUOTES}{quote.pk}/").status_code == 200


def test_who_may_not_write_orders_does_not_push_down(desk):
    quote = desk.accepted()
    seller = factories.position("报价员", quotes_view="own", quotes_edit="own", customers_view="own")
    clerk = factories.person("程望舒", unit_=desk.unit, position_=seller)
    factories.works_for(clerk, desk.rep)
    refused = perform(pushing.push_down, [quote.pk], by=actor_of(clerk.pk), params={}).refused
    assert refused[quote.pk].text == "没有新建订单的权限，请有权限的同事来下推。"
    assert not Order.objects.exists()


def test_a_quote_prints_on_a4(desk):
    quote = desk.sent({"item_name": "轴承", "quantity": "10", "price": "20"}, warranty="1 年", contact="潘工")
    (sheet,) = sheets([quote], actor_of(desk.clerk.pk))
    assert sheet["total"] == ("合计（含税）", "200.00", "人民币贰佰元整")
    assert ("致", "昆山澄江精密") in sheet["facts"]
    assert sheet["terms"][0] == "税率：13%"
    given = {"kind": "quotes.quote", "id": quote.pk, "form": "quotes.quotation"}
    answer = desk.at(desk.clerk).post("/print/", given)
    assert b"".join(answer)[:5] == b"%PDF-"


def test_the_last_edition_leaves_out_what_is_void(desk):
    quote = desk.sent()
    second = desk.renewed(quote)
    assert drafting.last_edition(quote) == 2
    desk.moved(second, "void", reason="x")
    assert drafting.last_edition(quote) == 1
