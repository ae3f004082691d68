"""An order under way is changed through the screens: taken down, assessed, agreed, carried out, known to everybody."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals.models import Request
from neiqin.kernel.deadlines import watch
from neiqin.kernel.deadlines.models import Clock
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.columns import open_columns
from neiqin.modules.changes import changing, figures
from neiqin.modules.changes.models import Assessment, Change, Knowing
from neiqin.modules.orders import parts
from neiqin.modules.orders.models import Delivery, Order, OrderLine, Part, Progress, VersionError
from tests import factories
from tests.approvals.office import publish_table

pytestmark = pytest.mark.django_db
URL = changing.URL


class Desk:
    """周启明 sells, 林知夏 keeps his orders, 马工 makes and 冯师傅 ships under 陆建国, 秦会计 keeps the books."""

    def __init__(self):
        own = {f"customers_{r}": "own" for r in factories.CUSTOMER_RIGHTS}
        own |= {f"orders_{r}": "own" for r in ("view", "create", "edit", "approve", "answer", "ship", "part")}
        own |= {"changes_view": "own", "changes_create": "own", "changes_answer": "own", "catalog_view": "all"}
        works = {"orders_view": "all", "orders_part": "own", "changes_view": "own", "changes_answer": "own"}
        ships = works | {"orders_ship": "all"}
        team, plant = factories.unit("华东一组"), factories.unit("生产部")
        self.rep = factories.person("周启明", unit_=team, position_=factories.position("销售代表", **own))
        self.clerk = factories.person("林知夏", unit_=team, position_=factories.position("销售助理", **own))
        factories.works_for(self.clerk, self.rep)
        self.maker = factories.person("马工", unit_=plant, position_=factories.position("生产计划", **works))
        self.shipper = factories.person("冯师傅", unit_=plant, position_=factories.position("仓储物流", **ships))
        self.books = factories.person("秦会计", position_=factories.position("财务", **works))
        self.boss = factories.person("陆建国", unit_=plant, position_=factories.position("生产经理", **works))
        type(plant).objects.filter(pk=plant.pk).update(leader=self.boss)
        publish_table(
            "order_parts",
            [["", "生产", "生产", "生产计划", "3", "2"], ["", "物流", "送到客户", "仓储物流", "0", "1"]],
            ["轴承", "生产、物流", "生产、送到客户", "生产计划、仓储物流", "3、0", "2、1"],
        )
        self.customer = factories.customer(actor_of(self.rep.pk), name="昆山澄江精密")
        self.order = factories.approved(factories.order(
            self.customer, {"item_name": "轴承", "quantity": "10", "price": "20"},
            {"item_name": "油封", "quantity": "4", "price": "5"}, by=actor_of(self.clerk.pk),
            required_on=str(clock.today() + timedelta(days=30)),
        ))  # fmt: skip
        self.line, self.other = self.order.lines.order_by("pk")

    def at(self, someone) -> Client:
        return factories.sign_in(Client(), someone)

    def handed_over(self):
        assert perform(parts.hand_over, [self.order.pk], by=SYSTEM).done
        return {p.department: p for p in Part.objects.filter(order=self.order)}

    def ask(self, **given):
        """The clerk takes down what the customer has said on the phone."""
        row = {"id": self.order.pk, "said_by": "潘工电话 10:32", "reason": "产线加了一条"} | given
        return self.at(self.clerk).post("/changes/new/", row)

    def change(self, **given) -> Change:
        answer = self.ask(**given or {f"quantity-{self.line.pk}": "15"})
        assert answer.status_code == 302, text(answer)
        return Change.objects.latest("pk")

    def do(self, someone, record, verb, **given):
        kind = type(record)._meta.label_lower.replace(".", "/")
        return self.at(someone).post(f"/{kind}/{record.pk}/{verb}/", given)

    def ready(self, **given) -> Change:
        """A change that only has to be carried out: departments have answered, the customer has agreed."""
        change = self.change(**given)
        self.do(self.rep, change, "pass_on")
        for one in Assessment.objects.filter(change=change, state="asked"):
            self.do(one.owner, one, "answer", possible_on=str(clock.today() + timedelta(days=9)))
        self.do(self.clerk, change, "agree", means="contract", proof="KJ-2026-001，潘工 10:40")
        return again(change)


@pytest.fixture
def desk():
    return Desk()


def text(answer) -> str:
    return answer.content.decode()


def again(record):
    return type(record).objects.get(pk=record.pk)


def quantities(order):
    return list(OrderLine.objects.filter(order=order).order_by("pk").values_list("quantity", flat=True))


@pytest.mark.clause("C-ORD-13")
def test_ten_become_fifteen_only_when_it_is_decided_and_both_versions_stay_readable(desk):
    change = desk.change(**{f"quantity-{desk.line.pk}": "15"})
    assert (change.state, quantities(desk.order), again(desk.order).revision) == ("with_rep", [10, 4], 1)
    assert Notice.objects.filter(person=desk.rep).latest("pk").title == "请处理订单变更：数量 昆山澄江精密"
    page = text(desk.at(desk.rep).get(f"{URL}{change.pk}/"))
    for said in ("业务员处理", "潘工电话 10:32", "产线加了一条", "原数量", "新数量"):
        assert said in page
    (line,) = change.lines.all()
    assert (line.was_quantity, line.quantity, line.was_price, line.price) == (10, 15, 20, 20)
    assert "数量" in text(desk.at(desk.rep).get(f"/orders/order/{desk.order.pk}/"))

    desk.do(desk.rep, change, "pass_on")
    desk.do(desk.clerk, change, "agree", means="contract", proof="KJ-2026-001")
    desk.do(desk.rep, change, "apply")
    order = again(desk.order)
    assert (again(change).state, quantities(order), order.revision, order.amount) == (
        "applied",
        [15, 4],
        2,
        D("320.00"),
    )
    page = text(desk.at(desk.rep).get(f"{URL}{change.pk}/"))
    (line,) = change.lines.all()
    assert (line.was_quantity, line.quantity) == (10, 15)
    assert (again(change).amount, again(change).new_amount) == (D("220.00"), D("320.00"))
    assert "新价税合计" in page
    assert "320.00" in page


@pytest.mark.clause("C-ORD-14")
def test_a_change_in_production_shows_what_is_spent_asks_for_a_date_and_waits_for_the_customer(desk):
    made = desk.handed_over()
    perform(parts.report, [made["生产"].pk], by=actor_of(desk.maker.pk), params={"progress": "40"})
    change = desk.change(**{f"quantity-{desk.line.pk}": "15"})
    desk.do(desk.rep, change, "pass_on")
    asked = Assessment.objects.get(change=change, department="生产")
    assert asked.owner_id == desk.maker.pk
    assert "评估变更：生产" in text(desk.at(desk.maker).get("/"))
    assert "能完成的日期" in text(desk.do(desk.maker, asked, "answer", spent="86"))
    assert again(asked).state == "asked"
    day = clock.today() + timedelta(days=6)
    desk.do(desk.maker, asked, "answer", possible_on=str(day), spent="86.5", note="已投料 4 套")
    page = text(desk.at(desk.rep).get(f"{URL}{change.pk}/"))
    for said in ("进行中 40%", f"答复 {day} 能完成", "已发生成本 86.50", "已投料 4 套", "220.00 → 320.00（+100.00）"):
        assert said in page
    # without the customer's agreement on file there is no button, and no way round it
    assert f"{URL}{change.pk}/apply/" not in page
    other = Assessment.objects.get(change=change, department="物流")
    desk.do(desk.shipper, other, "answer", possible_on=str(day))
    outcome = perform(changing.apply, [change.pk], by=actor_of(desk.rep.pk))
    assert outcome.refused[change.pk].text == "还没有客户同意的凭证，先登记客户同意。"
    assert quantities(desk.order) == [10, 4]
    desk.do(desk.clerk, change, "agree", means="contract", proof="KJ-2026-001")
    assert f"{URL}{change.pk}/apply/" in text(desk.at(desk.rep).get(f"{URL}{change.pk}/"))
    desk.do(desk.rep, change, "apply")
    assert quantities(desk.order) == [15, 4]


def test_a_department_that_has_not_answered_holds_it(desk):
    desk.handed_over()
    change = desk.change()
    desk.do(desk.rep, change, "pass_on")
    desk.do(desk.clerk, change, "agree", means="contract", proof="KJ-2026-001")
    outcome = perform(changing.apply, [change.pk], by=actor_of(desk.rep.pk))
    assert outcome.refused[change.pk].text == "生产、物流还没有答复评估。"


@pytest.mark.clause("C-ORD-15")
def test_production_and_logistics_hear_of_it_the_books_only_if_amounts_differ_and_who_is_silent_is_reminded(desk):
    desk.handed_over()
    later = clock.today() + timedelta(days=40)
    change = desk.ready(required_on=str(later))
    before = {p.department: p.end_on for p in Part.objects.filter(order=desk.order)}
    desk.do(desk.rep, change, "apply")
    assert set(Knowing.objects.filter(change=change).values_list("department", flat=True)) == {"生产", "物流"}
    assert not Notice.objects.filter(person=desk.books).exists()
    for who in (desk.maker, desk.shipper):
        assert Notice.objects.filter(person=who).latest("pk").title.startswith("订单已变更，请确认新版")
    after = {p.department: p.end_on for p in Part.objects.filter(order=desk.order)}
    assert after["物流"] == parts.back(later, 0)
    assert after["生产"] == parts.back(later, 3)
    assert all(after[d] > before[d] for d in before)

    desk.do(desk.maker, Knowing.objects.get(change=change, department="生产"), "know")
    page = text(desk.at(desk.rep).get(f"{URL}{change.pk}/"))
    assert page.count("已知悉") >= 1
    assert "待确认" in page
    running = Clock.objects.get(kind="changes.know", stopped_at=None)
    assert (running.person_id, running.minutes) == (desk.shipper.pk, 240)
    Clock.objects.filter(pk=running.pk).update(told=2, next_at=clock.now() - timedelta(minutes=1))
    watch.remind()
    told = Notice.objects.filter(kind="deadlines.due", model="changes.knowing")
    assert set(told.values_list("person_id", flat=True)) == {desk.shipper.pk, desk.boss.pk}

    more = desk.ready(**{f"quantity-{desk.line.pk}": "15"})
    desk.do(desk.rep, more, "apply")
    assert set(Knowing.objects.filter(change=more).values_list("department", flat=True)) == {"生产", "物流", "财务"}
    assert Notice.objects.filter(person=desk.books).latest("pk").title.startswith("订单已变更，请确认新版：财务")


@pytest.mark.clause("C-FLOW-09")
def test_nobody_reports_on_a_version_that_holds_no_more_and_who_tries_is_counted(desk):
    making = desk.handed_over()["生产"]
    change = desk.ready()
    desk.do(desk.rep, change, "apply")
    number = again(desk.order).number
    told = text(desk.do(desk.maker, making, "finish"))
    assert f"{number}已改到第 2 版，你看的是第 1 版" in told
    assert again(making).state == "asked"
    error = VersionError.objects.get()
    assert (error.part_id, error.person_id, error.seen, error.revision) == (making.pk, desk.maker.pk, 1, 2)
    desk.do(desk.maker, Knowing.objects.get(change=change, department="生产"), "know")
    assert again(making).seen_revision == 2
    desk.do(desk.maker, making, "finish")
    assert again(making).state == "done"
    assert VersionError.objects.count() == 1
    page = text(desk.at(desk.maker).get(figures.URL))
    assert "50.0%" in page or "50%" in page
    assert number in page


def test_who_packs_by_the_old_version_ships_nothing(desk):
    desk.handed_over()
    change = desk.ready()
    desk.do(desk.rep, change, "apply")
    given = {"id": desk.order.pk, f"q-{desk.line.pk}": "15", "carrier": "顺丰"}
    told = text(desk.at(desk.shipper).post("/orders/ship/", given))
    assert "已改到第 2 版，你看的是第 1 版" in told
    assert (Delivery.objects.count(), VersionError.objects.count()) == (0, 1)
    desk.do(desk.shipper, Knowing.objects.get(change=change, department="物流"), "know")
    assert desk.at(desk.shipper).post("/orders/ship/", given).status_code == 302
    assert Delivery.objects.get().lines.get().quantity == 15


def test_what_is_typed_shows_its_consequences_and_keeps_nothing(desk):
    desk.handed_over()
    given = {"id": desk.order.pk, f"quantity-{desk.line.pk}": "15", f"price-{desk.other.pk}": "3"}
    page = text(desk.at(desk.clerk).post("/changes/look/", given))
    assert "220.00 → 312.00（+92.00）" in page
    assert "油封 3" in page
    assert (quantities(desk.order), Change.objects.count(), again(desk.order).revision) == ([10, 4], 0, 1)
    assert "还什么都没有变" in text(desk.at(desk.clerk).post("/changes/look/", {"id": desk.order.pk}))


def test_what_is_typed_of_many_lines_asks_the_database_no_more_than_of_two(desk):
    def asked(lines):
        given = [{"item_name": f"轴承{n}", "quantity": "4", "price": "20"} for n in range(lines)]
        order = factories.approved(factories.order(desk.order.customer, *given))
        form = {"id": order.pk} | {f"quantity-{pk}": "6" for pk in order.lines.values_list("pk", flat=True)}
        client = desk.at(desk.clerk)
        client.post("/changes/look/", form)
        with CaptureQueriesContext(connection) as found:
            assert f"→ {lines * 120:,}.00" in text(client.post("/changes/look/", form))
        return len(found)

    assert asked(2) == asked(12)


def test_no_line_falls_below_what_is_shipped_and_no_order_below_what_is_invoiced(desk):
    factories.shipped(desk.order, 6)
    page = text(desk.at(desk.clerk).post("/changes/look/", {"id": desk.order.pk, f"quantity-{desk.line.pk}": "5"}))
    assert "「轴承」已发 6，不能改到比这更少。" in page
    factories.invoiced(desk.order, 150)
    page = text(desk.at(desk.clerk).post("/changes/look/", {"id": desk.order.pk, f"quantity-{desk.line.pk}": "6"}))
    assert "已经开票 150.00，改后只有 140.00" in page
    change = desk.ready(**{f"quantity-{desk.line.pk}": "6"})
    outcome = perform(changing.apply, [change.pk], by=actor_of(desk.rep.pk))
    assert "已经开票 150.00" in outcome.refused[change.pk].text
    assert (quantities(desk.order), again(change).state) == ([10, 4], "assessing")


def test_a_line_goes_a_line_comes_and_the_bars_follow(desk):
    factories.shipped(desk.order, 10)
    change = desk.ready(**{
        f"quantity-{desk.other.pk}": "0", "new-item": "密封圈", "new-quantity": "2", "new-price": "50",
        "new-unit": "个",
    })  # fmt: skip
    desk.do(desk.rep, change, "apply")
    lines = list(
        OrderLine.objects.filter(order=desk.order).order_by("pk").values_list("item_name", "quantity", "gross")
    )
    assert lines == [("轴承", 10, D("200.00")), ("密封圈", 2, D("100.00"))]
    assert again(desk.order).amount == D("300.00")
    assert Progress.objects.get(order=desk.order).shipped == D("66.7")
    gone = change.lines.get(was_quantity=4)
    assert (gone.order_line_id, gone.quantity, gone.item_name) == (None, 0, "油封")


def test_the_whole_order_is_taken_back_void_if_nothing_went_out_closed_if_something_did(desk):
    change = desk.ready(whole="on")
    desk.do(desk.rep, change, "apply")
    assert (again(desk.order).state, again(change).kinds) == ("void", "取消")
    second = factories.approved(factories.order(desk.customer, by=actor_of(desk.clerk.pk)))
    factories.shipped(second, 3)
    desk.order = second
    change = desk.ready(whole="on")
    desk.do(desk.rep, change, "apply")
    assert again(second).state == "closed"


def test_another_place_is_kept_with_the_one_before(desk):
    change = desk.ready(consignee="王师傅", address="太仓市港区路8号")
    page = text(desk.at(desk.clerk).get(f"{URL}{change.pk}/"))
    assert "太仓市港区路8号" in page
    assert "昆山市前进路1号" in page
    desk.do(desk.rep, change, "apply")
    (new,) = open_columns([again(desk.order)], ["consignee", "address"])
    (old,) = open_columns([again(change)], ["was_consignee", "was_address"])
    assert (new["consignee"], new["address"]) == ("王师傅", "太仓市港区路8号")
    assert (old["was_consignee"], old["was_address"]) == ("潘工", "昆山市前进路1号")


def test_one_change_at_a_time_and_what_is_wrong_is_said(desk):
    desk.change()
    assert "还有一张没办完的变更 BG" in text(desk.ask(**{f"quantity-{desk.line.pk}": "9"}))
    desk.do(desk.clerk, Change.objects.get(), "withdraw", reason="写错了")
    assert "什么都没有变" in text(desk.ask())
    assert "什么都没有变" in text(desk.ask(**{f"quantity-{desk.line.pk}": "10"}))
    assert "「谁提的」" in text(desk.ask(said_by="", **{f"quantity-{desk.line.pk}": "9"}))
    draft = factories.order(desk.customer)
    desk.order = draft
    assert "草稿直接改" in text(desk.ask(**{f"quantity-{draft.lines.get().pk}": "9"}))
    assert Change.objects.count() == 1


def test_a_price_that_is_not_the_clerks_to_give_goes_to_whom_it_would_go_in_a_new_order(desk):
    product = factories.product(floor_price="90", cost="60")
    factories.price_list({product: 100})
    desk.order = factories.approved(factories.order(desk.customer, {"product": product.pk, "quantity": "2"}))
    change = desk.ready(**{f"price-{desk.order.lines.get().pk}": "80"})
    page = text(desk.at(desk.rep).get(f"{URL}{change.pk}/"))
    assert "80.0 折，低于底价，要总经理批" in page
    boss = factories.position("销售经理", approvals_view="own", changes_view="below", orders_view="below")
    manager = factories.person("许曼", unit_=desk.rep.unit, position_=boss)
    type(desk.rep.unit).objects.filter(pk=desk.rep.unit_id).update(leader=manager)
    publish_table("approvals", [
        ["订单变更·执行", "", "", "", "", "", "总经理", "", "", "销售经理", "4", "一般", "无"],
        ["其他", "", "", "", "", "", "", "", "", "不用审批", "8", "一般", "无"],
    ], ["订单变更·执行", "无", "0", "华东", "无", "0.8", "总经理", "0", "否", "销售经理", "4", "一般", "无"],
    )  # fmt: skip
    desk.do(desk.rep, change, "apply")
    request = Request.objects.get()
    assert (again(change).state, request.amount, desk.order.lines.get().price) == ("assessing", D("200.00"), 100)
    shown = text(desk.at(manager).get(f"/approvals/request/{request.pk}/"))
    for said in ("低于底价", "200.00 → 160.00（-40.00）", "产线加了一条"):
        assert said in shown
    desk.at(manager).post(f"/approvals/request/{request.pk}/agree/", {})
    assert (again(change).state, desk.order.lines.get().price, again(desk.order).amount) == ("applied", 80, D("160.00"))


def test_two_who_carry_out_the_same_change_do_it_once(desk):
    change = desk.ready()
    first = perform(changing.apply, [change.pk], by=actor_of(desk.rep.pk))
    second = perform(changing.apply, [change.pk], by=actor_of(desk.rep.pk))
    assert first.done == [change.pk]
    assert second.refused[change.pk].text == "状态是「已生效」，不能执行变更。"
    assert again(desk.order).revision == 2


def test_an_order_that_was_made_anew_meanwhile_is_not_changed_by_the_old_paper(desk):
    change = desk.ready()
    Order.objects.filter(pk=desk.order.pk).update(revision=2)
    outcome = perform(changing.apply, [change.pk], by=actor_of(desk.rep.pk))
    assert "已改到第 2 版，这张变更是照第 1 版写的" in outcome.refused[change.pk].text


def test_who_is_not_of_the_order_sees_no_change_and_who_is_not_asked_cannot_answer(desk):
    desk.handed_over()
    change = desk.change()
    stranger = factories.person("外人", position_=factories.position("别的销售", changes_view="own", orders_view="own"))
    assert desk.at(stranger).get(f"{URL}{change.pk}/").status_code == 404
    assert desk.at(stranger).get(f"/changes/new/?id={desk.order.pk}").status_code in (403, 404)
    desk.do(desk.rep, change, "pass_on")
    asked = Assessment.objects.get(department="生产")
    told = desk.do(desk.shipper, asked, "answer", possible_on=str(clock.today()))
    assert told.status_code in (404, 422, 200)
    assert again(asked).state == "asked"


@time_machine.travel("2026-11-25T02:00:00Z", tick=False)
def test_a_system_asks_for_a_change_by_the_api_as_a_clerk_does_on_the_page(desk):
    asked = {
        "order": desk.order.pk, "said_by": "客户系统", "reason": "产线加了一条",
        "lines": [{"order_line": desk.line.pk, "quantity": "15"}],
    }  # fmt: skip
    api, address = factories.api(Client(), desk.clerk), "/api/v1/order-changes"
    made = api.post(address, asked, content_type="application/json")
    assert made.status_code == 201, text(made)
    change = Change.objects.get()
    assert made.json()["id"] == change.pk
    assert (change.kinds, change.owner_id, change.state) == ("数量", desk.rep.pk, "with_rep")
    assert quantities(desk.order) == [D(10), D(4)]  # asked for, not done

    again_ = api.post(address, asked, content_type="application/json")
    assert (again_.status_code, "还有一张没办完的变更" in text(again_)) == (409, True)
    foreign = factories.api(Client(), factories.person("何雨桐", position_=desk.clerk.position))
    refused = foreign.post(address, asked, content_type="application/json")
    assert (refused.status_code, "不在你能看到的范围里" in text(refused)) == (409, True)
    assert Change.objects.count() == 1


def test_the_rep_has_four_hours(desk):
    desk.change()
    running = Clock.objects.get(kind="changes.rep")
    assert (running.person_id, running.state) == (desk.rep.pk, "running")
