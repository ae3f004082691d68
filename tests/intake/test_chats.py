"""Fifty chats: what is understood of them at first and after one correction, and that no guess goes unmarked."""

from datetime import date
from decimal import Decimal as D

import orjson
import pytest
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.resources import finding
from neiqin.kernel.resources.resource import site
from neiqin.modules.intake import filling, matching
from neiqin.modules.intake.models import Word
from neiqin.modules.intake.reading import read
from tests import factories
from tests.intake import chats

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """The demo's catalog, and a customer who bought three things of it; (customer, product by code)."""
    made = {p["code"]: factories.product(**p) for p in chats.products()}
    factories.price_list(dict.fromkeys(made.values(), "10"))
    finding.catch_up([site().resources["catalog.product"]])
    customer = factories.customer()
    for code in chats.BOUGHT:
        factories.approved(factories.order(customer, {"product": made[code].pk, "quantity": "5"}))
    return customer, made


def test_of_fifty_chats_every_line_is_right_at_first_and_all_but_one_are_right_as_a_whole(shop):
    """Against the 34 products of the demo; what 50,000 make of it is measured by the bench."""
    customer, _ = shop
    found = [(c, *chats.understood(c, customer)) for c in chats.chats()]
    assert len(found) == 50
    assert sum(map(len, (chats.right(*f) for f in found))) == 76
    assert [f[0].text[:8] for f in found if not all(chats.right(*f))] == []
    later = [f[0].text[:6] for f in found if not chats.whole(*f)]
    assert later == ["「张总：电磁"], "its size comes a message later"


def test_what_is_certain_is_right_and_every_guess_is_marked_on_its_line(shop):
    customer, _ = shop
    clerk = factories.person(position_=factories.rep_position("all", orders_create="all", catalog_view="all"))
    client = factories.sign_in(Client(), clerk)
    guessed = 0
    for chat in chats.chats():
        filled = filling.understand(chat.text, customer, actor_of(clerk.pk))
        rows = [
            [str(n), {k: v for k, v in row.items() if v}] for n, row in enumerate(filling.values_of(filled)["lines"])
        ]
        data = orjson.dumps({"head": {"customer": str(customer.pk)}, "rows": rows}).decode()
        said = client.post("/orders/check/", {"data": data}).json()["rows"]
        for n, match in enumerate(filled.matches):
            marks = {name for name, _, _ in said[str(n)]["issues"]}
            if match.sure:
                assert match.product.code in [w[0] for w in chat.wanted], chat.text
            else:
                guessed += 1
                assert "product" in marks, (chat.text, match.item.words)
            if match.item.quantity is None:
                assert "quantity" in marks
    assert guessed == 46


def test_a_word_once_corrected_is_certain_for_this_customer_and_nobody_else(shop):
    customer, made = shop
    item = read("小轴承 20个", chats.TODAY).items
    assert matching.match(item, customer)[0].sure is False
    Word.objects.create(customer=customer, key=matching.key("小轴承"), product=made["ZC-6308"], learned_at=clock.now())
    learned = matching.match(item, customer)[0]
    assert (learned.product.code, learned.how, learned.sure) == ("ZC-6308", matching.LEARNED, True)
    other = matching.match(item, factories.customer())[0]
    assert (other.how == matching.LEARNED, other.sure) == (False, False)


def test_whatever_is_pasted_is_read_without_an_error_and_keeps_quantities_above_nothing(shop):
    """Odd ones: nothing is made up."""
    odd = [
        "", "   ", "\t\t\n\t", "6204" * 400, "１００个Ａ１２", "个个个", "0个 6204", "负三个6204", "-5个6204", "一二三",
        "6204\n\n\n\n20", "价格", "@所有人 ", "[红包] 恭喜发财", "a\tb\nc\td", "|||\n|||", "3.14159265 个",
        "万万万个",
    ]  # fmt: skip
    for text in odd:
        for item in read(text, chats.TODAY).items:
            assert item.words
            assert item.quantity is None or item.quantity >= 0, text


@pytest.mark.parametrize(
    ("text", "words", "count", "unit"),
    [
        ("6204 二十个", "6204", D(20), "个"),
        ("6204 一百二十个", "6204", D(120), "个"),
        ("6204 两百五十个", "6204", D(250), "个"),
        ("6204 三千零五个", "6204", D(3005), "个"),
        ("6204 两万个", "6204", D(20000), "个"),
        ("6204 1.5万个", "6204", D(15000), "个"),
        ("电缆RVV2*1.5 半卷", "电缆RVV2*1.5", D("0.5"), "卷"),
        ("M8*30 螺丝 1,000个", "M8*30 螺丝", D(1000), "个"),
        ("水泥25kg装 40包", "水泥25kg装", D(40), "包"),
        ("钢管DN50 12.5米", "钢管DN50", D("12.5"), "米"),
    ],
)
def test_a_quantity_is_read_as_it_is_said(text, words, count, unit):
    (item,) = read(text, chats.TODAY).items
    assert (item.words, item.quantity, item.unit) == (words, count, unit)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("6204 20个，明天要", date(2026, 11, 27)),
        ("6204 20个，下周三前到货", date(2026, 12, 2)),
        ("6204 20个，交期：2026-12-15", date(2026, 12, 15)),
        ("6204 20个，12月5号前送到", date(2026, 12, 5)),
        ("6204 20个，三天后发货", date(2026, 11, 29)),
        ("6204 20个，今天付款", None),
    ],
)
def test_a_day_by_which_it_is_wanted(text, day):
    assert read(text, chats.TODAY).required_on == day
