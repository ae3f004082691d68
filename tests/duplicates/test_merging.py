"""Duplicates: found at night, merged with all that hangs on them, and parted again (C-DATA-01)."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.columns import open_columns
from neiqin.modules.catalog.models import CustomerItem, PriceList
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Alias, Contact, Customer, FollowUp
from neiqin.modules.duplicates import finding, merging
from neiqin.modules.duplicates.models import Merged, Suspect
from neiqin.modules.orders.models import Order
from neiqin.modules.retention.models import Dealing, Loss
from tests import factories

pytestmark = pytest.mark.django_db
RIGHTS = {f"customers_{right}": "all" for right in factories.CUSTOMER_RIGHTS}
CODE = "91320214MA1XU7YQ4K"


@pytest.fixture
def pair():
    """A customer and the same one again under a longer name, with contacts, follow-ups and a code of its own."""
    boss = factories.person(
        "主管", position_=factories.position("主管", duplicates_merge="all", people_view="all", **RIGHTS)
    )
    first = factories.customer(
        name="无锡开源机械有限公司",
        contacts=[{"name": "潘工", "mobile": "13800138000"}, {"name": "李工", "mobile": "13900139000"}],
        industry="机械",
    )
    second = factories.customer(
        name="无锡开源机械有限责任公司",
        contacts=[{"name": "潘工", "mobile": "13800138000"}, {"name": "周会计", "mobile": "13700137000"}],
        addresses=[{"street": "新华路 8 号"}],
        city="无锡市",
        industry="装备",
    )
    call = factories.followup(second)
    return SimpleNamespace(first=first, second=second, call=call, boss=boss, by=actor_of(boss.pk))


def merged(pair, **params):
    outcome = perform(
        merging.merge, [pair.first.pk, pair.second.pk], by=pair.by, params={"keep": pair.first.pk} | params
    )
    assert not outcome.refused, outcome.refused
    pair.first.refresh_from_db()
    pair.second.refresh_from_db()
    return outcome


def names_of(customer):
    rows = list(customer.contacts.order_by("id"))
    return [texts["name"] for texts in open_columns(rows, ["name"])]


def snapshot():
    """All that a merge may touch, but for versions and times of change."""
    return [
        sorted(
            (tuple(sorted((k, str(v)) for k, v in row.items() if k not in ("version", "updated_at"))))
            for row in model.objects.values()
        )
        for model in (Customer, Contact, Alias, FollowUp)
    ]


@pytest.mark.clause("C-DATA-01")
def test_two_files_become_one_on_the_screen_with_all_that_hung_on_the_second(pair, client):
    factories.sign_in(client, pair.boss)
    address = f"/duplicates/merge/?id={pair.first.pk}&id={pair.second.pk}&keep={pair.first.pk}"
    page = client.get(address).text
    assert "并排比较" in page
    assert "装备" in page
    answer = client.post("/duplicates/merge/", {
        "id": [pair.first.pk, pair.second.pk], "keep": pair.first.pk, "v-industry": pair.second.pk, "request_key": "k",
    })  # fmt: skip
    assert answer["Location"] == f"/customers/customer/{pair.first.pk}/"
    kept, gone = Customer.objects.get(pk=pair.first.pk), Customer.objects.get(pk=pair.second.pk)
    assert (kept.industry, kept.city, kept.owner_id, kept.number) == (
        "装备",
        "无锡市",
        pair.first.owner_id,
        pair.first.number,
    )
    assert names_of(kept) == ["潘工", "李工", "周会计"]
    assert kept.addresses.get().street == "新华路 8 号"
    assert set(kept.aliases.values_list("name", flat=True)) == {pair.second.name, pair.second.number}
    call = FollowUp.objects.get(pk=pair.call.pk)
    assert (call.customer_id, call.owner_id) == (kept.pk, kept.owner_id)
    assert (gone.state, gone.contacts.count()) == ("inactive", 1)
    said = dict(Event.objects.filter(name="customers.customer.merged").values_list("record_id", "data"))
    assert said[kept.pk]["note"] == f"合并自 {pair.second.number}"
    assert said[gone.pk]["note"] == f"并入 {kept.number} {kept.name}"


def test_the_old_address_leads_on_and_the_old_history_stays_readable(pair, client):
    merged(pair)
    factories.sign_in(client, pair.boss)
    old, new = (f"/customers/customer/{c.pk}/" for c in (pair.second, pair.first))
    assert client.get(old)["Location"] == new
    assert "并入" in client.get(f"{old}?old=1").text
    page = client.get(new).text
    assert f"{old}?old=1" in page
    assert "合并自" in page
    stranger = factories.sign_in(type(client)(), factories.person("别人"))
    assert stranger.get(old).status_code == 404


def test_typing_the_old_name_or_number_finds_the_one_that_stays(pair, client):
    from neiqin.kernel.search import index

    merged(pair)
    factories.sign_in(client, pair.boss)
    assert index is not None
    for word in (pair.second.number, pair.second.name):
        assert f"/customers/customer/{pair.first.pk}/" in client.get("/customers/customer/", {"q": word}).text


def test_nobody_works_on_the_old_file_by_a_list_or_an_import_of_old_numbers(pair):
    merged(pair)
    for verb, params in ((actions.edit, {"city": "常州市"}), (actions.reactivate, {})):
        refused = perform(verb, [pair.second.pk], by=SYSTEM, params=params).refused
        assert refused[pair.second.pk].text == f"已并入 {pair.first.number} {pair.first.name}，到那一家办。"
    pair.second.refresh_from_db()
    assert (pair.second.city, pair.second.state) == ("无锡市", "inactive")


def test_the_registry_code_goes_over_and_different_codes_are_different_companies(pair):
    Customer.objects.filter(pk=pair.second.pk).update(uscc=CODE)
    merged(pair)
    assert (pair.first.uscc, pair.second.uscc) == (CODE, "")
    other = factories.customer(name="苏州别家有限公司")
    Customer.objects.filter(pk=other.pk).update(uscc="91320594MA1N0AB12X")
    refused = perform(merging.merge, [pair.first.pk, other.pk], by=pair.by, params={"keep": pair.first.pk}).refused
    assert refused[other.pk].text == "信用代码不同，是两家公司。先核对信用代码。"


def test_class_and_owner_stay_those_of_the_one_that_stays(pair):
    Customer.objects.filter(pk=pair.second.pk).update(level="key")
    merged(pair)
    assert pair.first.level == "prospect"


def test_what_pointed_to_the_second_points_to_the_first(pair):
    child = factories.customer(parent=pair.second.pk)
    merged(pair)
    child.refresh_from_db()
    assert child.parent_id == pair.first.pk


@pytest.mark.parametrize(
    ("keep", "text"), [("other", "「留下哪家」要在选的里面。"), ("gone", "选的里面有已经合并过的，去掉再合并。")]
)
def test_a_second_merge_of_the_same_or_an_odd_choice_is_refused(pair, keep, text):
    third = factories.customer()
    if keep == "gone":
        merged(pair)
    before = snapshot()
    ids, chosen = [pair.second.pk, third.pk], {"other": pair.first.pk, "gone": third.pk}[keep]
    outcome = perform(merging.merge, ids, by=pair.by, params={"keep": chosen})
    assert {r.text for r in outcome.refused.values()} == {text}
    assert snapshot() == before


def test_who_sees_only_one_of_them_merges_nothing(pair):
    own = factories.position(
        "代表", duplicates_merge="own", **{f"customers_{r}": "own" for r in factories.CUSTOMER_RIGHTS}
    )
    rep = factories.person("小代表", position_=own)
    mine = factories.customer(actor_of(rep.pk))
    before = snapshot()
    outcome = perform(merging.merge, [mine.pk, pair.second.pk], by=actor_of(rep.pk), params={"keep": mine.pk})
    assert outcome.done == []
    assert outcome.refused[mine.pk].text == "选的里面有不能合并的，去掉再合并。"
    assert snapshot() == before


def test_parting_puts_everything_back_as_it_was(pair, client):
    before = snapshot()
    outcome = merged(pair)
    assert snapshot() != before
    factories.sign_in(client, pair.boss)
    address = f"/duplicates/part/{outcome.run}/"
    assert pair.second.name in client.get(address).text
    assert client.post(address, {"request_key": "p"}).status_code == 302
    assert snapshot() == before
    assert not Merged.objects.exists()
    assert client.get(f"/customers/customer/{pair.second.pk}/").status_code == 200


def test_orders_prices_item_numbers_and_losses_go_along_and_come_back(pair):
    bearing, seal = factories.product(), factories.product()
    for customer, numbers in ((pair.first, {"A-1": bearing}), (pair.second, {"A-1": bearing, "B-2": seal})):
        for number, product in numbers.items():
            product.customer_items.create(customer=customer, item_no=number)
    own = factories.price_list({bearing: 90}, kind="customer", customer=pair.second.pk)
    mine, other = factories.approved(factories.order(pair.second)), factories.order(factories.customer())
    loss = Loss.objects.create(
        customer=pair.second, owner_id=pair.second.owner_id, unit_id=pair.second.unit_id, name=pair.second.name,
        level="ordinary", last_on=date(2025, 1, 2), lost_on=date(2025, 7, 1), **factories.stamps(),
    )  # fmt: skip
    assert Dealing.objects.get(customer=pair.second).status == "first"

    def of(customer):
        items = CustomerItem.objects.filter(customer=customer).order_by("pk").values_list("item_no", flat=True)
        models = (Order, PriceList, Loss)
        return [list(items), *(list(m.objects.filter(customer=customer).values_list("pk", flat=True)) for m in models)]

    before = of(pair.first), of(pair.second)
    merged(pair)
    assert of(pair.first) == [["A-1", "B-2"], [mine.pk], [own.pk], [loss.pk]]
    assert of(pair.second) == [["A-1"], [], [], []], "a number that is there already stays with the old file"
    assert Dealing.objects.get(customer=pair.first).status == "first", "it has dealt now"
    again = Order.objects.get(pk=mine.pk)
    assert (again.name, again.owner_id, again.version) == (mine.name, mine.owner_id, mine.version), "whose it was"
    assert Order.objects.get(pk=other.pk).customer_id == other.customer_id
    perform(merging.part, [pair.first.pk, pair.second.pk], by=pair.by)
    assert (of(pair.first), of(pair.second)) == before


def test_parting_leaves_what_was_changed_since_and_says_so(pair):
    merged(pair)
    moved = Contact.objects.filter(customer=pair.first).order_by("id").last()
    Contact.objects.filter(pk=moved.pk).update(title="财务")
    perform(actions.edit, [pair.first.pk], by=SYSTEM, params={"city": "常州市"})
    later = factories.followup(pair.first, content="合并以后的电话")
    outcome = perform(merging.part, [pair.first.pk, pair.second.pk], by=pair.by)
    assert not outcome.refused
    pair.first.refresh_from_db()
    assert pair.first.city == "常州市"
    moved.refresh_from_db()
    assert (moved.customer_id, moved.title) == (pair.second.pk, "财务")
    assert FollowUp.objects.get(pk=later.pk).customer_id == pair.first.pk
    assert FollowUp.objects.get(pk=pair.call.pk).customer_id == pair.second.pk
    note = Event.objects.get(name="customers.customer.parted", record_id=pair.first.pk).data["note"]
    assert note == "后来改过的留着：客户资料 1 处"


def test_after_a_month_or_with_half_of_it_a_merge_is_not_undone(pair):
    merged(pair)
    half = perform(merging.part, [pair.first.pk], by=pair.by).refused[pair.first.pk].text
    assert half.startswith("撤销要连同")
    Merged.objects.update(merged_at=clock.now() - timedelta(days=31))
    late = perform(merging.part, [pair.first.pk, pair.second.pk], by=pair.by).refused[pair.first.pk].text
    assert late == "合并超过 30 天，不能撤销。"


def test_the_night_finds_the_same_name_and_the_same_phone_and_shows_them_to_who_may(pair, client):
    factories.customer(name="上海独一有限公司", contacts=[{"name": "独", "mobile": "13611136111"}])
    factories.customer(name="北京同号有限公司", contacts=[{"name": "同", "mobile": "13900139000"}])
    finding.find(day=clock.today().isoformat())
    finding.find(day=clock.today().isoformat())
    assert sorted(Suspect.objects.values_list("why", "customer__name")) == [
        ("name", "无锡开源机械有限公司"),
        ("name", "无锡开源机械有限责任公司"),
        ("phone", "北京同号有限公司"),
        ("phone", "无锡开源机械有限公司"),
        ("phone", "无锡开源机械有限公司"),
        ("phone", "无锡开源机械有限责任公司"),
    ]
    page = factories.sign_in(client, pair.boss).get("/duplicates/").text
    assert "名称一样" in page
    assert "北京同号有限公司" in page
    assert "上海独一有限公司" not in page
    assert "13900139000" not in page
    own = factories.position(
        "代表", duplicates_merge="own", **{f"customers_{r}": "own" for r in factories.CUSTOMER_RIGHTS}
    )
    rep = factories.sign_in(type(client)(), factories.person("小代表", position_=own))
    assert "没有疑似重复的客户" in rep.get("/duplicates/").text
