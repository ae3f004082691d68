"""复制到微信: a record as words and as a long picture, within scope, rights and masks; told before it is handed out."""

import struct

import pytest
from django.test import Client

from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.company import company_name
from neiqin.kernel.printing import forms, typeset
from neiqin.kernel.resources.resource import site
from neiqin.modules.orders.models import Order
from neiqin.modules.quotes.printed import said
from tests import factories
from tests.customers.test_pool import of, rep_of, rule

pytestmark = pytest.mark.django_db
URL = "/print/hand/"
FETCH = {"HTTP_X_REQUESTED_WITH": "fetch"}
ORDER, NOTE, QUOTE, CUSTOMER = "orders.order", "orders.delivery", "quotes.quote", "customers.customer"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Desk:
    """周启明 sells and sees what is his; 何雨桐 sits elsewhere."""

    def __init__(self):
        own = {f"{room}_view": "own" for room in ("orders", "quotes", "returns", "catalog")}
        self.position = factories.rep_position(**own, orders_create="own")
        self.rep = factories.person("周启明", position_=self.position)
        self.by = actor_of(self.rep.pk)
        self.customer = factories.customer(self.by, name="昆山澄江精密", credit_limit="1234567.8")
        self.client = factories.sign_in(Client(), self.rep)

    def order(self, *lines, **values) -> Order:
        goods = lines or ({"item_name": "深沟球轴承", "spec": "6204", "quantity": "10", "price": "37.77"},)
        return factories.order(self.customer, *goods, by=self.by, **values)

    def page(self, kind, record, form="", **more):
        given = {"kind": kind, "id": record.pk} | ({"form": form} if form else {})
        return (more.pop("client", None) or self.client).get(URL, given, HTTP_HX_REQUEST="true", **more)

    def take(self, kind, record, form, way="text", to="", client=None, **more):
        given = {"kind": kind, "id": record.pk, "form": form, "way": way, "to": to}
        return (client or self.client).post(URL, given, **(FETCH | more))

    def words(self, kind, record, form) -> str:
        answer = self.take(kind, record, form)
        assert answer.status_code == 200, answer.content.decode()[:500]
        assert answer["Cache-Control"] == "no-store"
        return answer.content.decode()


@pytest.fixture
def desk(db):
    return Desk()


@pytest.fixture
def drawn(monkeypatch):
    """What the pictures were made of, as one text each."""
    real, seen = typeset.png, []
    monkeypatch.setattr(typeset, "png", lambda t, given, scale: seen.append(given) or real(t, given, scale))
    return seen


def size_of(answer) -> tuple[int, int]:
    assert answer.status_code == 200, answer.content.decode()[:500]
    assert (answer["Content-Type"], answer.content[:8], answer["Cache-Control"]) == ("image/png", SIGNATURE, "no-store")
    return struct.unpack(">II", answer.content[16:24])


def told(kind, record) -> list[str]:
    rows = Event.objects.filter(name=f"{kind}.sent_by_hand", record_id=record.pk).order_by("id")
    return [e.data["words"] for e in rows]


def test_an_order_confirmation_reads_as_a_clerk_writes_it(desk):
    line = {"item_name": "深沟球轴承", "spec": "6204", "quantity": "10", "unit_name": "个", "price": "37.77"}
    order = factories.approved(desk.order(line, customer_po="PO-7", required_on="2099-12-31"))
    assert desk.words(ORDER, order, "orders.confirmation").splitlines() == [
        f"【{company_name()}】订单确认书 {order.number}",
        "客户：昆山澄江精密", "客户订单号：PO-7", f"日期：{order.doc_date}",
        "交期：2099-12-31", "收货人：潘工", "送货地址：昆山市前进路1号",
        "1. 深沟球轴承 6204 ×10 个，含税单价 37.77，金额 377.70，交期 2099-12-31", "合计（含税）：377.70",
        "请核对，没有问题回复「确认」，有出入马上告诉我们。",
    ]  # fmt: skip


def test_what_is_taken_stands_in_the_history_and_looking_does_not(desk):
    order = factories.approved(desk.order())
    version = order.version
    dialog = desk.page(ORDER, order)
    assert desk.client.get(f"{URL}picture/", {"kind": ORDER, "id": order.pk}).status_code == 200
    assert ("深沟球轴承 6204 ×10" in dialog.content.decode(), told(ORDER, order)) == (True, [])
    desk.take(ORDER, order, "orders.confirmation", to=" 王经理 ")
    desk.take(ORDER, order, "orders.confirmation", "picture")
    desk.take(ORDER, order, "record", "file", "采购群")
    assert told(ORDER, order) == [
        "复制到微信：订单确认书（文字）给 王经理",
        "复制到微信：订单确认书（图片）",
        "复制到微信：记录单（保存图片）给 采购群",
    ]
    page = desk.client.get(f"/orders/order/{order.pk}/").content.decode()
    assert "复制到微信：订单确认书（文字）给 王经理" in page
    assert Order.objects.get(pk=order.pk).version == version


def test_the_picture_is_one_narrow_page_with_two_pixels_a_point(desk):
    order = factories.approved(desk.order())
    answer = desk.take(ORDER, order, "orders.confirmation", "file")
    width, height = size_of(answer)
    assert (width, 500 < height < 2000) == (750, True)
    assert answer["Content-Disposition"].startswith("attachment")
    small = desk.client.get(f"{URL}picture/", {"kind": ORDER, "id": order.pk, "form": "orders.confirmation"})
    assert size_of(small)[0] == 225


def test_what_is_not_approved_says_so_in_words_and_picture(desk, drawn):
    order = desk.order()
    words = desk.words(ORDER, order, "orders.confirmation")
    assert words.startswith("【未审批】\n")
    assert "没有问题回复" not in words
    desk.take(ORDER, order, "orders.confirmation", "picture")
    assert (drawn[0]["mark"], drawn[0]["notes"]) == ("未审批", [])
    factories.approved(order)
    assert "未审批" not in desk.words(ORDER, order, "orders.confirmation")


def test_a_delivery_note_without_prices_has_none_anywhere(desk, drawn):
    order = factories.approved(desk.order())
    delivery = factories.shipped(order, 4, carrier="顺丰速运", waybill="SF1234567890")
    plain = desk.words(NOTE, delivery, "orders.plain_note")
    assert plain.splitlines() == [
        f"【{company_name()}】送货单 {delivery.number}", "客户：昆山澄江精密", f"订单号：{order.number}",
        f"日期：{delivery.shipped_on}", "收货人：潘工", "地址：昆山市前进路1号", "承运：顺丰速运 SF1234567890",
        "1. 深沟球轴承 6204 ×4", "收到后请核对数量，有短少、破损当天告诉我们。",
    ]  # fmt: skip
    assert size_of(desk.take(NOTE, delivery, "orders.plain_note", "picture"))[0] == 750
    for money in ("37.77", "151.08", "377.7", "单价", "金额", "合计", "元"):
        assert money not in plain + str(drawn[0]), money
    assert "1. 深沟球轴承 6204 ×4，单价 37.77，金额 151.08" in desk.words(NOTE, delivery, "orders.note")
    assert told(NOTE, delivery)[:2] == ["复制到微信：送货单（无价）（文字）", "复制到微信：送货单（无价）（图片）"]


def test_a_quote_has_the_words_it_always_had(desk, drawn):
    quote = factories.quote(desk.customer)
    words = desk.words(QUOTE, quote, "quotes.quotation")
    assert words == f"【草稿】\n{said(quote)}"
    assert "1. 轴承，10，含税单价 20.00，金额 200.00" in words
    assert size_of(desk.take(QUOTE, quote, "quotes.quotation", "picture"))[0] == 750
    assert (drawn[0]["mark"], drawn[0]["ends"][0][:2]) == ("草稿", ("合计（含税）", "200.00"))


def test_a_return_is_told_with_what_comes_back(desk):
    order = factories.approved(desk.order())
    factories.shipped(order, 10)
    ticket = factories.ticket(order, 2)
    words = desk.words("returns.ticket", ticket, "returns.ticket")
    assert f"退货单 {ticket.number}" in words
    assert "1. 深沟球轴承 6204 ×2，金额 75.54" in words
    assert "申请金额：75.54" in words
    assert "良品" not in words, "nothing was inspected yet"
    assert size_of(desk.take("returns.ticket", ticket, "returns.ticket", "picture"))[0] == 750


def test_masked_phones_stay_masked(desk, drawn):
    words = desk.words(CUSTOMER, desk.customer, "record")
    desk.take(CUSTOMER, desk.customer, "record", "picture")
    for text in (words, str(drawn[0]), desk.page(CUSTOMER, desk.customer).content.decode()):
        assert "138****8000" in text
        assert "13800138000" not in text
    assert "信用额度：1,234,567.80" in words
    viewer = factories.person("看", position_=factories.position("看", customers_view="all"))
    seen = desk.take(CUSTOMER, desk.customer, "record", client=factories.sign_in(Client(), viewer)).content.decode()
    assert ("昆山澄江精密" in seen, "信用额度" in seen, "1,234" in seen) == (True, False, False)


def test_nobody_takes_what_he_may_not_see(desk):
    order = factories.approved(desk.order())
    stranger = factories.sign_in(Client(), factories.person("何雨桐", position_=desk.position))
    powerless = factories.sign_in(Client(), factories.person("无权", position_=factories.position("无权岗")))
    before = Run.objects.filter(action="refused").count()
    for someone in (stranger, powerless):
        assert desk.page(ORDER, order, client=someone).status_code == 404
        assert desk.take(ORDER, order, "orders.confirmation", client=someone).status_code == 404
        assert someone.get(f"{URL}picture/", {"kind": ORDER, "id": order.pk}).status_code == 404
    assert Run.objects.filter(action="refused").count() == before + 3, "an attempt on another's record is noted"
    assert desk.take(ORDER, order, "orders.confirmation", client=Client()).url.startswith("/login/")
    assert told(ORDER, order) == []


def test_what_is_wrong_gets_a_sentence_and_is_not_told(desk):
    order = factories.approved(desk.order())
    for given, sentence in (
        ({"to": "王" * 61}, "写了 61 个字，最多 60 个"), ({"to": "王\0"}, "发给谁"),
        ({"way": "fax"}, "怎么发"), ({"way": ""}, "怎么发"),
    ):  # fmt: skip
        answer = desk.take(ORDER, order, "orders.confirmation", **given)
        assert (answer.status_code, answer["Content-Type"]) == (422, "text/plain; charset=utf-8"), given
        assert sentence in answer.content.decode(), given
    assert (
        "写了 61 个字，最多 60 个"
        in desk.take(ORDER, order, "record", to="王" * 61, HTTP_X_REQUESTED_WITH="").content.decode()
    )
    assert desk.take(ORDER, order, "returns.ticket").status_code == 404
    assert desk.page(ORDER, order, "orders.note").status_code == 404
    assert told(ORDER, order) == []


def test_a_sign_without_glyph_goes_into_the_text_and_stops_the_picture(desk):
    record = factories.customer(desk.by, remark="好😀")
    page = desk.page(CUSTOMER, record).content.decode()
    assert "「😀」 没有字形，图片做不出来" in page
    assert 'value="picture"' not in page
    answer = desk.take(CUSTOMER, record, "record", "picture")
    assert (answer.status_code, answer.content.decode()) == (
        422,
        "「😀」 没有字形，图片做不出来。复制文字，或改成别的字。",
    )
    assert told(CUSTOMER, record) == []
    assert "备注：好😀" in desk.words(CUSTOMER, record, "record")


def test_two_hundred_lines_are_one_picture_and_more_are_for_paper(desk):
    line = {"item_name": "深沟球轴承", "spec": "6204-2RS/C3", "quantity": "12", "price": "20", "customer_item": "A-001"}
    order = desk.order(*[line] * 200)
    width, height = size_of(desk.take(ORDER, order, "orders.confirmation", "picture"))
    assert (width, 200 * 60 < height < 30_000) == (750, True)
    more = desk.order(*[line] * 201)
    answer = desk.take(ORDER, more, "orders.confirmation", "picture")
    sentence = "有 201 行，一张图片最多放 200 行。用「打印」出 PDF 发给对方。"
    assert (answer.status_code, answer.content.decode(), told(ORDER, more)) == (422, sentence, [])
    page = desk.page(ORDER, more).content.decode()
    assert sentence in page
    assert f'hx-get="/print/?kind={ORDER}&amp;id={more.pk}"' in page
    assert desk.client.get(f"{URL}picture/", {"kind": ORDER, "id": more.pk}).status_code == 404
    assert "201. 深沟球轴承 6204-2RS/C3 ×12" in desk.words(ORDER, more, "orders.confirmation")


def test_it_is_in_a_records_menu_and_not_over_chosen_rows(desk):
    tool = f"{URL}?kind={CUSTOMER}"
    assert (
        f"{tool}&amp;id={desk.customer.pk}"
        in desk.client.get(f"/customers/customer/{desk.customer.pk}/").content.decode()
    )
    assert tool not in desk.client.get("/customers/customer/").content.decode()


def test_the_forms_of_a_kind_are_its_tabs_and_one_is_swapped_in(desk):
    order = factories.approved(desk.order())
    page = desk.page(ORDER, order).content.decode()
    assert page.index("订单确认书</a>") < page.index("记录单</a>")
    given = {"kind": ORDER, "id": order.pk, "form": "record", "part": "doc"}
    part = desk.client.get(URL, given, HTTP_HX_REQUEST="true").content.decode()
    assert part.strip().startswith('<div id="hand-doc">')
    assert ('name="form" value="record"' in part, "data-hand-problem" in part) == (True, False)


def test_without_scripts_the_text_is_told_and_shown(desk):
    order = factories.approved(desk.order())
    answer = desk.take(ORDER, order, "orders.confirmation", HTTP_X_REQUESTED_WITH="")
    assert "已经记在动态里" in answer.content.decode()
    assert told(ORDER, order) == ["复制到微信：订单确认书（文字）"]


def test_a_card_of_the_pool_that_may_not_be_opened_is_not_taken_either(desk):
    unit = factories.unit("销售一部")
    rule("customers.pool_limits", ("其他", "200", "10", "1", "30"))
    first, second = (factories.pooled(of(rep_of(unit))) for _ in range(2))
    client = factories.sign_in(Client(), rep_of(unit, "领取人"))
    assert desk.take("customers.pooled", first, "record", client=client).status_code == 200
    for answer in (
        desk.page("customers.pooled", second, client=client),
        desk.take("customers.pooled", second, "record", client=client),
        client.get(f"{URL}picture/", {"kind": "customers.pooled", "id": second.pk}),
    ):
        assert answer.status_code == 403
        assert "公海客户一天最多看 1 家，今天看满了。" in answer.content.decode()


def test_every_kind_of_record_goes_into_a_chat(client):
    everything = {p.replace(".", "_", 1): "all" for _, group in site().permissions for p in group}
    boss = factories.person("全知", position_=factories.position("全知岗", **everything))
    factories.sign_in(client, boss)
    for key, resource in site().resources.items():
        made = factories.MAKERS[key]()
        page = client.get(URL, {"kind": key, "id": made.pk})
        assert page.status_code == 200, key
        title = str(getattr(made, resource.title))
        for form in forms.forms_for(resource):
            given = {"kind": key, "id": made.pk, "form": form.name}
            words = client.post(URL, given | {"way": "text"}, **FETCH)
            assert words.status_code == 200, (key, form.name)
            assert size_of(client.post(URL, given | {"way": "picture"}, **FETCH))[0] == 750, (key, form.name)
        assert title in words.content.decode(), key
    assert forms.HAND.keys() == site().resources.keys()
