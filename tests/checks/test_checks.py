"""Key data through screen and API: what the rules stop or warn of, and what a second person must type again."""

import re

import orjson
import pytest
from django.test import Client

from neiqin.kernel.actions.models import Event, Held
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.checks.models import Result, Second
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Appointment
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.rules import actions as rules
from neiqin.kernel.rules.models import Table
from neiqin.modules.customers.models import Customer
from tests import factories
from tests.stranger.models import Receipt

pytestmark = pytest.mark.django_db
RECEIPTS, CUSTOMERS = "/stranger/receipt/", "/customers/customer/"
RULE = "《数据校验》第 1 版第 {} 行"


@pytest.fixture
def office():
    """林知夏 and 周敏 in one unit, both with all rights on receipts and customers there; 何雨桐 elsewhere."""
    unit = factories.unit()
    rights = {f"stranger_{r}": "unit" for r in ("view", "create", "edit")} | {"checks_view": "unit"}
    position = factories.rep_position("unit", **rights)
    lin, zhou = (factories.person(n, unit_=unit, position_=position) for n in ("林知夏", "周敏"))
    he = factories.person("何雨桐", position_=position)
    return {"lin": lin, "zhou": zhou, "he": he}


def desk(someone) -> Client:
    return factories.sign_in(Client(), someone)


def second_person_on(field: str, kind: str, over: str, handling: str = "第二人重录") -> None:
    """A row on top of the table, published as staff would do it."""
    table = Table.objects.get(code="checks")
    first = table.versions.get()
    rows = [[kind, field, "数值", f">= {over}", handling], *first.rows]
    examples = [[kind, field, "数值", over, handling], *first.examples[:3]]
    content = orjson.dumps({"rows": rows, "examples": examples}).decode()
    perform(rules.draft, [table.pk], by=SYSTEM, params={"content": content})
    drafted = table.versions.latest("number")
    assert perform(rules.publish, [drafted.pk], by=SYSTEM, params={"from_on": "2026-01-01"}).done


def receipt(**values):
    return {"name": "昆山澄江", "price": "3.5", "amount": "100", "parts-0-part": "60", "parts-1-part": "40"} | values


@pytest.mark.clause("C-DATA-02")
def test_rules_stop_or_warn_with_their_names_and_the_second_amount_decides(office):
    lin = desk(office["lin"])
    assert lin.post(f"{RECEIPTS}new/", receipt()).status_code == 302

    # a price ten times the last one of the same payer: warned, kept, and saved once it is confirmed
    warned = lin.post(f"{RECEIPTS}new/", receipt(price="35"))
    text = warned.content.decode()
    assert warned.status_code == 422
    assert f"「单价」35 是上次 3.5 的 10 倍。核对无误再保存（{RULE.format(4)}）。" in text
    assert (Receipt.objects.count(), Result.objects.get().fate) == (1, "asked")
    mark = re.search(r'name="confirmed" value="([^"]+)"', text)[1]
    assert lin.post(f"{RECEIPTS}new/", receipt(price="36", confirmed=mark)).status_code == 422, "another price"
    assert lin.post(f"{RECEIPTS}new/", receipt(price="35", confirmed=mark)).status_code == 302
    last = Result.objects.latest("pk")
    assert (last.fate, last.value, last.against, last.record_id, last.row) == (
        "confirmed", "35", "3.5", Receipt.objects.latest("pk").pk, 4,
    )  # fmt: skip

    # a receipt whose parts miss the sum by 0.01
    stopped = lin.post(f"{RECEIPTS}new/", receipt(price="", **{"parts-1-part": "39.99"}))
    assert f"「金额」100.00 和各项合计 99.99 差 0.01，不能保存（{RULE.format(2)}）。" in stopped.content.decode()
    assert (Receipt.objects.count(), Result.objects.latest("pk").fate) == (2, "stopped")

    # a wrong check digit in a registry code
    row = factories.customer_row(uscc="91320594MA1AB2CD3H")
    answer = factories.api(Client(), office["lin"]).post("/api/v1/customers", row, content_type="application/json")
    assert answer.status_code == 422
    assert "末位应是" in answer.json()["message"]
    assert RULE.format(1) in answer.json()["message"]
    kept = Result.objects.latest("pk")
    assert (kept.fate, kept.value, kept.check_name) == ("stopped", "91320594MA1AB2CD3H", "校验码")
    assert not Customer.objects.exists()

    # by rule an amount is typed by a second person, who does not see the first
    second_person_on("金额", "到款", "5000")
    large = receipt(price="", amount="8000", **{"parts-0-part": "8000", "parts-1-part": ""})
    assert lin.post(f"{RECEIPTS}new/", large).status_code == 302
    one = Second.objects.get()
    assert (one.state, Receipt.objects.count()) == ("open", 2)
    zhou, url = desk(office["zhou"]), f"/checks/second/{one.pk}/"
    assert "待复核：新建 昆山澄江" in zhou.get("/").content.decode()
    page = zhou.get(url).content.decode()
    assert "8,000" not in page
    assert "8000" not in page
    assert zhou.post(url, {"do": "enter", "amount": "80000"}).status_code == 302
    for who in (zhou, lin):
        page = who.get(url).content.decode()
        assert "8,000.00" in page
        assert "80,000.00" in page
    assert (Receipt.objects.count(), Second.objects.get().state) == (2, "different")
    assert Notice.objects.get(person_id=office["lin"].pk).title == "两次录入不同：新建 昆山澄江"

    # equal amounts release it, with two names
    assert lin.post(f"{RECEIPTS}new/", large).status_code == 302
    again = Second.objects.latest("pk")
    assert zhou.post(f"/checks/second/{again.pk}/", {"do": "enter", "amount": "8,000.00"}).status_code == 302
    made = Receipt.objects.latest("pk")
    assert (made.amount, made.owner_id, Second.objects.latest("pk").state) == (8000, office["lin"].pk, "done")
    assert "林知夏 录入，周敏 复核" in lin.get(f"{RECEIPTS}{made.pk}/").content.decode()


def limit(client, customer, value, **more):
    given = {"version": str(customer.version), "partial": "1", "credit_limit": value} | more
    return client.post(f"{CUSTOMERS}{customer.pk}/edit/", given)


@pytest.fixture
def held(office):
    """A limit of two million that 林知夏 has asked for."""
    customer = factories.customer(actor_of(office["lin"].pk), credit_limit="1500000")
    assert limit(desk(office["lin"]), customer, "2000000").status_code == 302
    return Second.objects.get()


def test_a_limit_ten_times_the_last_is_warned_of_in_form_and_api(office):
    customer = factories.customer(actor_of(office["lin"].pk), credit_limit="50000")
    answer = limit(desk(office["lin"]), customer, "500000")
    assert "「信用额度」500,000.00 是上次 50,000.00 的 10 倍" in answer.content.decode()
    api, url = factories.api(Client(), office["lin"]), f"/api/v1/customers/{customer.pk}"
    body = {"data": {"credit_limit": "500000"}, "content_type": "application/json"}
    warned = api.patch(url, **body)
    mark = warned.json()["problems"][0]["confirm"]
    assert (warned.status_code, Customer.objects.get().credit_limit) == (409, 50000)
    assert api.patch(url, **body, headers={"Confirm": mark}).status_code == 200
    assert Customer.objects.get().credit_limit == 500000
    assert [r.fate for r in Result.objects.order_by("pk")] == ["asked", "asked", "confirmed"]
    page = desk(office["lin"]).get(f"{CUSTOMERS}{customer.pk}/").content.decode()
    assert "核对过，照样保存" in page
    assert "核对过，照样保存" in desk(office["lin"]).get("/checks/").content.decode()


def test_the_first_person_and_strangers_cannot_check(office, held):
    url = f"/checks/second/{held.pk}/"
    assert desk(office["he"]).get(url).status_code == 404
    answer = desk(office["lin"]).post(url, {"do": "enter", "credit_limit": "2000000"})
    assert "这件事不归你复核。" in answer.content.decode()
    assert (Customer.objects.get().credit_limit, Second.objects.get().state) == (1500000, "open")
    assert Second.objects.get().held.closed_at is None


def test_what_is_to_be_typed_unseen_shows_in_no_record_of_checks_until_it_is_typed(office, held):
    pages, zhou = ("/checks/", f"{CUSTOMERS}{Customer.objects.get().pk}/"), desk(office["zhou"])
    for page in pages:
        assert "2,000,000.00" not in zhou.get(page).content.decode()
        assert "2,000,000.00" in desk(office["lin"]).get(page).content.decode(), "the first person sees his own"
    zhou.post(f"/checks/second/{held.pk}/", {"do": "enter", "credit_limit": "2500000"})
    for page in pages:
        assert "2,000,000.00" in zhou.get(page).content.decode()


def test_of_two_checkers_the_second_comes_too_late_and_it_is_done_once(office, held):
    url, given = f"/checks/second/{held.pk}/", {"do": "enter", "credit_limit": "2000000"}
    third = factories.person("沈磊", unit_=office["zhou"].unit, position_=office["zhou"].position)
    assert desk(office["zhou"]).post(url, given).status_code == 302
    assert desk(third).post(url, given).status_code == 404
    assert Customer.objects.get().credit_limit == 2000000
    assert Event.objects.filter(name="customers.customer.edited").count() == 1


def test_a_record_changed_meanwhile_is_left_as_it_is_and_the_first_person_told(office, held):
    customer = Customer.objects.get()
    desk(office["zhou"]).post(f"{CUSTOMERS}{customer.pk}/edit/", {"version": "1", "partial": "1", "city": "昆山"})
    desk(office["zhou"]).post(f"/checks/second/{held.pk}/", {"do": "enter", "credit_limit": "2000000"})
    customer.refresh_from_db()
    assert (customer.city, customer.credit_limit, Second.objects.get().state) == ("昆山", 1500000, "failed")
    assert "提交之后记录被别人改过" in Notice.objects.get(person_id=office["lin"].pk).text


def test_a_first_person_without_the_right_any_more_changes_nothing(office, held):
    Appointment.objects.filter(person=office["lin"]).update(position=factories.position("仓库", customers_view="unit"))
    desk(office["zhou"]).post(f"/checks/second/{held.pk}/", {"do": "enter", "credit_limit": "2000000"})
    assert (Customer.objects.get().credit_limit, Second.objects.get().state) == (1500000, "failed")
    assert Second.objects.get().held.closed_at is not None


def test_what_is_withdrawn_or_refused_stays_undone(office, held):
    url = f"/checks/second/{held.pk}/"
    assert desk(office["lin"]).post(url, {"do": "withdraw"}).status_code == 302
    assert desk(office["zhou"]).get(url).status_code == 404
    limit(desk(office["lin"]), Customer.objects.get(), "3000000")
    other = f"/checks/second/{Second.objects.latest('pk').pk}/"
    assert desk(office["zhou"]).post(other, {"do": "refuse", "reason": ""}).status_code == 422
    assert desk(office["zhou"]).post(other, {"do": "refuse", "reason": "没有批件"}).status_code == 302
    assert [s.state for s in Second.objects.order_by("pk")] == ["withdrawn", "refused"]
    assert Customer.objects.get().credit_limit == 1500000
    assert not Held.objects.filter(closed_at=None).exists()


def test_a_review_shows_what_would_change_and_is_performed_when_approved(office):
    second_person_on("信用额度", "客户", "100000", "第二人复核")
    customer = factories.customer(actor_of(office["lin"].pk), credit_limit="90000")
    limit(desk(office["lin"]), customer, "150000")
    url, zhou = f"/checks/second/{Second.objects.get().pk}/", desk(office["zhou"])
    assert "<b>¥150,000.00</b>" in zhou.get(url).content.decode() or "150,000.00" in zhou.get(url).content.decode()
    assert zhou.post(url, {"do": "approve"}).status_code == 302
    assert Customer.objects.get().credit_limit == 150000
