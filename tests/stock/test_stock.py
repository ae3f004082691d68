"""What lies in the warehouses: put in, taken out, moved, counted, shipped, and told to those who ask."""

import re
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.exchange.models import Import
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.catalog import actions as catalog
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders import delivering, stocking
from neiqin.modules.orders.models import Delivery, Order
from neiqin.modules.stock import actions
from neiqin.modules.stock.models import Entry, Movement, Stock, Warehouse
from tests import factories
from tests.exchange.test_import import do, folder, texts  # noqa: F401 - folder is a fixture

pytestmark = pytest.mark.django_db


def on_hand(product, place):
    found = Stock.objects.filter(product=product, warehouse=place).values_list("on_hand", flat=True)
    return D(next(iter(found), 0))


def movements(product):
    return [int(q) for q in Movement.objects.filter(product=product).order_by("pk").values_list("quantity", flat=True)]


def written(place, *lines, **values):
    outcome = perform(actions.create_entry, by=SYSTEM, rows=[factories.entry_row(place, *lines, **values)])
    return next((r.text for r in outcome.refused.values()), "") or Entry.objects.get(pk=outcome.done[0])


def ordered(product, quantity, **line):
    given = {"product": product.pk, "quantity": str(quantity), "price": "20"} | line
    return factories.approved(factories.order(None, given))


def ship(order, quantity, **values):
    goods = [{"order_line": order.lines.get().pk, "quantity": str(quantity)}]
    outcome = perform(delivering.create, by=SYSTEM, rows=[{"order": order.pk, "lines": goods} | values])
    return next((r.text for r in outcome.refused.values()), "") or Delivery.objects.get(pk=outcome.done[0])


def test_goods_come_in_go_out_and_are_moved_to_another_warehouse():
    here, there, bearing = factories.warehouse(), factories.warehouse("苏州仓"), factories.product()
    written(here, (bearing, 100), kind="bought", source="送货单 7788")
    written(here, (bearing, "2.5"), kind="spoilt")
    written(here, (bearing, 40), kind="transfer", to=there.pk)
    assert (on_hand(bearing, here), on_hand(bearing, there)) == (D("57.5"), 40)
    assert [e.name for e in Entry.objects.order_by("pk")] == ["采购入库 主仓", "报损出库 主仓", "调拨 主仓"]
    assert len(set(Entry.objects.values_list("number", flat=True))) == 3


def test_a_box_counts_as_many_as_the_product_says():
    place, bearing = factories.warehouse(), factories.product(units=[{"name": "箱", "factor": "24"}])
    written(place, (bearing, 3, "箱"), (bearing, 5))
    assert on_hand(bearing, place) == 77
    assert written(place, (bearing, 1, "托")) == "「第 1 行」的产品没有「托」这个单位，先在产品里写它等于几个。"


def test_more_than_there_is_does_not_go_out_and_nothing_has_changed():
    place, bearing, seal = factories.warehouse(), factories.product(), factories.product(name="油封")
    written(place, (bearing, 10), (seal, 10))
    said = written(place, (seal, 5), (bearing, 6), (bearing, 5), kind="used")
    assert said == "主仓的「深沟球轴承」只有 10 个，不够。"
    assert (on_hand(bearing, place), on_hand(seal, place), Movement.objects.count()) == (10, 10, 2)


def test_of_several_documents_at_once_those_that_fit_are_written():
    place, bearing = factories.warehouse(), factories.product()
    written(place, (bearing, 10))
    rows = [factories.entry_row(place, (bearing, n), kind="used") for n in (6, 5, 4)]
    outcome = perform(actions.create_entry, by=SYSTEM, rows=rows)
    assert (len(outcome.done), list(outcome.refused)) == (2, [1])
    assert on_hand(bearing, place) == 0


def test_counting_books_what_is_more_or_less_than_the_books_say():
    place, bearing, seal = factories.warehouse(), factories.product(), factories.product(name="油封")
    nothing = factories.product(name="垫片")
    written(place, (bearing, 10), (seal, 4))
    made = written(place, (bearing, 7), (seal, 6), (nothing, 0), kind="count")
    assert (on_hand(bearing, place), on_hand(seal, place)) == (7, 6)
    by = Movement.objects.filter(model="stock.entry", record=made.pk).order_by("pk")
    assert list(by.values_list("quantity", flat=True)) == [-3, 2], "what is as the books say does not move"
    assert written(place, (bearing, 7), (bearing, 6), kind="count") == "「第 2 行」的产品前面已经盘过，合成一行。"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "transfer"}, "调拨要填「调入仓库」，而且不能是同一个。"),
        ({"to": "there"}, "「调入仓库」只有调拨才填。"),
        ({"kind": "transfer", "to": "closed"}, "调入的仓库已停用，换一个。"),
        ({"warehouse": "closed"}, "这个仓库已停用，换一个。"),
        ({"done_on": "2199-01-01"}, "「日期」还没到。"),
    ],
)
def test_what_does_not_fit_is_said_and_not_written(values, said):
    places = {
        "here": factories.warehouse(),
        "there": factories.warehouse("苏州仓"),
        "closed": factories.warehouse("旧仓"),
    }
    perform(actions.shut, [places["closed"].pk], by=SYSTEM)
    given = {k: places[v].pk if v in places else v for k, v in values.items()}
    assert written(places["here"], (factories.product(), 1), **given) == said
    assert not Movement.objects.exists()


def test_a_document_written_by_mistake_is_taken_back_unless_the_goods_have_gone_on():
    place, bearing = factories.warehouse(), factories.product()
    first, second = written(place, (bearing, 10)), written(place, (bearing, 5))
    written(place, (bearing, 8), kind="used")
    why = {"reason": "记错了"}
    refused = perform(actions.void, [first.pk], by=SYSTEM, params=why).refused
    assert refused[first.pk].text == "主仓的「深沟球轴承」只有 7 个，不够。收进来的已经发走或用掉，不能作废。"
    assert perform(actions.void, [second.pk], by=SYSTEM, params=why).done
    assert movements(bearing) == [10, 5, -8, -5]
    assert on_hand(bearing, place) == 2


def test_the_ledger_takes_no_changes_whoever_asks():
    factories.stocked(factories.product())
    for statement in (
        "UPDATE stock_movement SET quantity = 1",
        "DELETE FROM stock_movement",
        "TRUNCATE stock_movement",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Movement.objects.get().quantity == 10


def test_a_stock_below_zero_is_refused_by_the_database_itself():
    factories.stocked(factories.product())
    with pytest.raises(DatabaseError), transaction.atomic():
        Stock.objects.update(on_hand=-1)


def test_only_an_empty_warehouse_is_shut_and_there_is_one_main():
    first, second = factories.warehouse(main=True), factories.warehouse("苏州仓", main=True)
    factories.stocked(factories.product(), place=second)
    assert [w.main for w in Warehouse.objects.order_by("pk")] == [False, True]
    outcome = perform(actions.shut, [first.pk, second.pk], by=SYSTEM)
    assert (outcome.done, outcome.refused[second.pk].text) == ([first.pk], "里面还有货，先调拨或出库，再停用。")


def test_stocks_are_called_what_their_products_are_called():
    bearing = factories.product()
    factories.stocked(bearing)
    perform(catalog.edit_product, [bearing.pk], by=SYSTEM, params={"name": "圆锥滚子轴承"})
    assert Stock.objects.get().name == "圆锥滚子轴承"


@pytest.mark.clause("C-ORD-11")
def test_shipping_takes_from_the_warehouse_and_a_voided_delivery_gives_back():
    place, bearing = factories.warehouse(), factories.product()
    written(place, (bearing, 10))
    order = ordered(bearing, 12)
    made = ship(order, 8)
    assert (made.warehouse, on_hand(bearing, place)) == (place, 2), "the only warehouse need not be said"
    assert ship(order, 3) == "主仓的「深沟球轴承」只有 2 个，不够。"
    perform(delivering.void, [made.pk], by=SYSTEM, params={"reason": "没有发出"})
    assert on_hand(bearing, place) == 10
    assert movements(bearing) == [10, -8, 8]
    perform(delivering.sign, [ship(order, 2).pk], by=SYSTEM, params={"signed_on": str(clock.today())})
    assert on_hand(bearing, place) == 8, "a receipt moves nothing"


def test_boxes_ordered_are_taken_as_the_pieces_they_hold():
    place, bearing = factories.warehouse(), factories.product(units=[{"name": "箱", "factor": "24"}])
    written(place, (bearing, 50))
    order = ordered(bearing, 3, unit_name="箱")
    assert ship(order, 3) == "主仓的「深沟球轴承」只有 50 个，不够。"
    ship(order, 2)
    assert on_hand(bearing, place) == 2


def test_of_several_warehouses_the_main_one_ships_or_the_one_that_is_said():
    bearing = factories.product()
    here, there = factories.warehouse(), factories.warehouse("苏州仓")
    written(here, (bearing, 5))
    written(there, (bearing, 5))
    order = ordered(bearing, 10)
    assert ship(order, 1) == "没有默认发货仓，选「发货仓库」。"
    ship(order, 1, warehouse=there.pk)
    perform(actions.edit_warehouse, [here.pk], by=SYSTEM, params={"main": True})
    ship(order, 2)
    assert (on_hand(bearing, here), on_hand(bearing, there)) == (3, 4)


def test_who_keeps_no_stock_notices_nothing_of_it():
    bearing = factories.product()
    order = ordered(bearing, 10)
    assert ship(order, 4).warehouse is None
    place = factories.warehouse()
    ship(order, 4)
    assert not Movement.objects.exists(), "goods that were never put into a warehouse are not counted"
    written(place, (bearing, 3), kind="count")
    ship(order, 2)
    assert on_hand(bearing, place) == 1, "from the first count on they are"


def test_what_is_ordered_and_not_shipped_is_promised_and_the_rest_is_free():
    place, bearing = factories.warehouse(), factories.product(units=[{"name": "箱", "factor": "24"}])
    written(place, (bearing, 100))
    first, _ = ordered(bearing, 10), ordered(bearing, 2, unit_name="箱")
    draft = factories.order(None, {"product": bearing.pk, "quantity": "500", "price": "20"})
    ship(first, 4)
    assert stocking.promised([bearing.pk]) == {bearing.pk: 54}
    assert stocking.free([bearing.pk]) == {bearing.pk: 42}, "96 there, 54 promised"
    perform(orders.close, [first.pk], by=SYSTEM, params={"reason": "余下不要了"})
    assert stocking.free([bearing.pk]) == {bearing.pk: 48}
    assert Order.objects.get(pk=draft.pk).state == "draft"


def test_a_clerk_writes_down_what_came_sees_it_on_the_product_and_ships_from_it():
    rights = ("stock_view", "stock_keep", "catalog_view", "orders_view", "orders_ship")
    clerk = factories.person(position_=factories.rep_position("all", **dict.fromkeys(rights, "all")))
    client = factories.sign_in(Client(), clerk)
    place, bearing = factories.warehouse(), factories.product()
    order = ordered(bearing, 8)
    form = {"kind": "bought", "lines-0-product": str(bearing.pk), "lines-0-quantity": "30",
            "request_key": "k1"}  # fmt: skip
    assert client.post("/stock/entry/new/", form).status_code == 302
    page = client.get(f"/orders/ship/?id={order.pk}").content.decode()
    assert "现存" in page
    assert f'value="{place.pk}"' in page, "the warehouse stands there already"
    posted = {"id": str(order.pk), f"q-{order.lines.get().pk}": "8", "warehouse": str(place.pk), "request_key": "k2"}
    assert client.post("/orders/ship/", posted).status_code == 302
    page = client.get(f"/catalog/product/{bearing.pk}/").content.decode()
    assert re.search(r"可用\s*</td>\s*<td[^>]*>\s*22\s*<", page)
    assert "库存流水" in page
    assert Delivery.objects.get().number in page
    listed = client.get("/stock/stock/").content.decode()
    assert "深沟球轴承" in listed
    assert "主仓" in listed


def test_an_opening_stock_comes_in_by_file_one_document_for_each_delivery_note(folder):  # noqa: F811
    keeper = factories.person(position_=factories.rep_position(
        "all", stock_view="all", stock_keep="all", catalog_view="all", exchange_import="all"))  # fmt: skip
    web = factories.sign_in(Client(), keeper)
    place = factories.warehouse()
    goods = [factories.product(name=f"轴承{n}", units=[{"name": "箱", "factor": "12"}]) for n in range(3)]
    body = "\n".join([
        "送货单号,仓库名称,物料编码,入库数量,计量单位",
        *(f"{note},主仓,{goods[n].code},{quantity},{unit}" for note, n, quantity, unit in [
            ("S-1", 0, "100", ""), ("S-1", 1, "3", "箱"), ("S-2", 2, "7.5", ""), ("S-3", 0, "5", "托"),
        ]),
    ])  # fmt: skip
    file = SimpleUploadedFile("期初.csv", body.encode("utf-8-sig"))
    assert web.post("/imports/upload/", {"kind": "stock.entry", "mode": "new", "file": file}).status_code == 302
    drain()
    imp = Import.objects.latest("pk")
    assert imp.state == "ready", imp.sentence
    do(web, imp, "start")
    assert [int(on_hand(g, place) * 10) for g in goods] == [1000, 360, 75]
    assert sorted(Entry.objects.values_list("source", flat=True)) == ["S-1", "S-2"]
    assert "没有「托」这个单位" in texts(web, imp)
