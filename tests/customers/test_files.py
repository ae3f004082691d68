"""Customer files through the screens: kept complete, found again, handed over, key ones with managers."""

import re

import pytest

from neiqin.kernel.actions.models import Event
from neiqin.modules.customers.models import Contact, Customer
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/customers/customer/"


@pytest.fixture
def rep():
    return factories.person("周启明")


@pytest.fixture
def desk(client, rep):
    return factories.sign_in(client, rep)


def form(**values):
    return {
        "name": "澄江精密机械（昆山）有限公司",
        "business_scope": "精密机械加工",
        "intention": "每月采购深沟球轴承",
        "address": "昆山市张浦镇俱进路 268 号",
        "contacts-0-name": "潘工",
        "contacts-0-title": "采购经理",
        "contacts-0-mobile": "+86 138-0013-8000",
    } | values


@pytest.mark.clause("C-CUS-01")
def test_a_customer_without_a_contact_phone_is_refused_by_field_and_with_all_fields_saved_numbered_and_found(desk, rep):
    refused = desk.post(f"{LIST}new/", form(**{"contacts-0-mobile": "", "request_key": "first-try"}))
    assert refused.status_code == 422
    text = refused.content.decode()
    assert 'id="f-contacts-0-mobile" name="contacts-0-mobile" aria-invalid="true"' in text
    assert "「联系人第 1 行」的手机、电话、微信、邮箱都空着，至少填一个。" in text
    assert 'value="潘工"' in text, "what was typed is still there"
    assert not Customer.objects.exists()

    key = re.search(r'name="request_key" value="([^"]+)"', text)[1]
    saved = desk.post(f"{LIST}new/", form(request_key=key))
    customer = Customer.objects.get()
    assert (saved.status_code, saved.url) == (302, f"{LIST}{customer.pk}/")
    assert (customer.number, customer.owner_id, customer.state) == ("KH000001", rep.pk, "active")

    factories.customer(factories.actors_of(rep.pk), contacts=[{"name": "别人", "mobile": "13900000000"}])
    for words in ("澄江精密", "cjjm", "潘工", "13800138000", "8000", "KH000001"):
        page = desk.get(LIST, {"q": words}).content.decode()
        assert "KH000001" in page, words
        assert "KH000002" not in page, words


def test_a_second_file_of_the_same_company_is_refused_naming_its_holder(desk):
    factories.customer(name="苏州恒昌电气成套设备有限公司", uscc="91320594MA1AB2CD3G")
    answer = desk.post(f"{LIST}new/", form(uscc="91320594MA1AB2CD3G"))
    assert answer.status_code == 422
    assert "这个信用代码已是「苏州恒昌电气成套设备有限公司」的，负责人 周启明。" in answer.content.decode()
    assert Customer.objects.count() == 1


def test_every_wrong_field_is_named_with_its_remedy(desk):
    answer = desk.post(f"{LIST}new/", form(name="", uscc="91320594MA1AB2CD3H", statement_day="32", credit_limit="-1"))
    text = answer.content.decode()
    assert answer.status_code == 422
    for field in ("name", "uscc", "credit_limit", "statement_day"):
        assert f'href="#f-{field}"' in text, field


def test_an_assistant_creates_for_her_rep_and_he_is_the_owner(client, rep):
    lin = factories.person("林知夏")
    factories.works_for(lin, rep)
    desk = factories.sign_in(client, lin)
    desk.post(f"{LIST}new/", form(owner=rep.pk))
    customer = Customer.objects.get()
    assert (customer.owner_id, customer.unit_id) == (rep.pk, rep.unit_id)
    assert desk.get(f"{LIST}{customer.pk}/").status_code == 200


def test_an_edit_does_not_move_ownership(desk, rep):
    customer = factories.customer(factories.actors_of(rep.pk))
    colleague = factories.person("何雨桐", unit_=rep.unit)
    url = f"{LIST}{customer.pk}/edit/"
    assert 'name="owner"' not in desk.get(url).content.decode()
    desk.post(url, {"version": "1", "partial": "1", "owner": colleague.pk, "city": "昆山"})
    customer.refresh_from_db()
    assert (customer.owner_id, customer.city) == (rep.pk, "昆山")


def test_nobody_creates_for_a_stranger(desk):
    stranger = factories.person("何雨桐")
    answer = desk.post(f"{LIST}new/", form(owner=stranger.pk))
    assert "你不能替何雨桐建这条记录" in answer.content.decode()
    assert not Customer.objects.exists()


@pytest.mark.clause("C-CUS-11")
def test_confirming_key_for_a_reps_customer_asks_for_a_manager_and_refuses_without_one(client, rep):
    team = rep.unit
    manager = factories.person("陆建国", unit_=team, position_=factories.manager_position())
    customer = factories.customer(factories.actors_of(rep.pk))
    desk = factories.sign_in(client, manager)
    url = f"{LIST}{customer.pk}/confirm_level/"

    refused = desk.post(url, {"level": "key"})
    text = refused.content.decode()
    assert refused.status_code == 409
    assert "重点客户由销售经理或销售总监负责，现在的负责人周启明是销售代表。选一位经理或总监再确认。" in text
    assert 'name="owner__text"' in text, "it asks for one"
    customer.refresh_from_db()
    assert (customer.level, customer.owner_id, customer.version) == ("prospect", rep.pk, 1)

    still_a_rep = desk.post(url, {"level": "key", "owner": rep.pk})
    assert still_a_rep.status_code == 409

    done = desk.post(url, {"level": "key", "owner": manager.pk})
    customer.refresh_from_db()
    assert done.status_code == 200
    assert (customer.level, customer.owner_id, customer.version) == ("key", manager.pk, 2)
    assert Event.objects.get(name="customers.customer.level_confirmed").data == {"from": "prospect", "to": "key"}


def test_a_key_customer_is_not_handed_to_a_rep(client, rep):
    manager = factories.person("陆建国", unit_=rep.unit, position_=factories.manager_position())
    customer = factories.customer(factories.actors_of(manager.pk))
    desk = factories.sign_in(client, manager)
    desk.post(f"{LIST}{customer.pk}/confirm_level/", {"level": "key"})
    answer = desk.post(f"{LIST}{customer.pk}/hand_over/", {"to": rep.pk})
    assert "重点客户由销售经理或总监负责，周启明是销售代表，换一位接手人。" in answer.content.decode()
    customer.refresh_from_db()
    assert customer.owner_id == manager.pk


def test_handing_over_many_gives_a_result_for_each(client, rep):
    manager = factories.person("陆建国", unit_=rep.unit, position_=factories.manager_position())
    ann = factories.actors_of(rep.pk)
    one, two = factories.customer(ann), factories.customer(ann)
    bob = factories.person("何雨桐", unit_=rep.unit)
    third = factories.customer(factories.actors_of(bob.pk))
    desk = factories.sign_in(client, manager)
    page = desk.post(f"{LIST}do/hand_over/?id={one.pk}&id={two.pk}&id={third.pk}", {"to": bob.pk}).content.decode()
    assert "办好 2 条，1 条没办成。" in page
    assert "已经是何雨桐负责。" in page
    assert set(Customer.objects.values_list("owner_id", "unit_id")) == {(bob.pk, bob.unit_id)}


def test_a_form_left_open_merges_what_others_did_not_touch_and_asks_about_the_rest(desk, rep):
    customer = factories.customer(factories.actors_of(rep.pk), city="苏州")
    edit = f"{LIST}{customer.pk}/edit/"
    desk.post(edit, {"version": "1", "partial": "1", "city": "昆山"})
    desk.post(edit, {"version": "1", "partial": "1", "industry": "水泵"})
    customer.refresh_from_db()
    assert (customer.city, customer.industry, customer.version) == ("昆山", "水泵", 3)

    asked = desk.post(edit, {"version": "1", "partial": "1", "city": "太仓"})
    text = asked.content.decode()
    assert asked.status_code == 409
    assert 'name="resolve-city" value="theirs"' in text
    assert "太仓" in text
    kept = desk.post(edit, {"version": "3", "city": "太仓", "resolve-city": "theirs", "partial": "1"})
    customer.refresh_from_db()
    assert (kept.status_code, customer.city) == (302, "昆山")
    desk.post(edit, {"version": "3", "city": "太仓", "resolve-city": "mine", "partial": "1"})
    customer.refresh_from_db()
    assert customer.city == "太仓"


def test_a_draft_is_kept_sealed_and_gone_after_saving(desk):
    from neiqin.kernel.resources.models import Draft

    assert desk.post(f"{LIST}draft/0/", form()).status_code == 204
    assert b"13800138000" not in bytes(Draft.objects.get().body)
    page = desk.get(f"{LIST}new/").content.decode()
    assert "接着写上次的草稿" in page
    assert "俱进路" in page
    desk.post(f"{LIST}new/", form())
    assert not Draft.objects.exists()


def test_a_submit_pressed_twice_makes_one_customer(desk):
    for _ in range(2):
        answer = desk.post(f"{LIST}new/", form(request_key="once"))
        assert answer.status_code == 302
    assert Customer.objects.count() == 1
    assert Contact.objects.count() == 1


def test_paging_goes_through_all_rows_once_in_both_directions(desk, rep):
    ann = factories.actors_of(rep.pk)
    made = {factories.customer(ann).pk for _ in range(45)}
    for sort in ("-updated_at", "pinyin", "number", "-number"):
        seen, url, pages = [], f"{LIST}?size=20&sort={sort}", []
        while url:
            text = desk.get(url).content.decode()
            pages.append(url)
            seen += [int(i) for i in re.findall(rf'data-url="{LIST}(\d+)/"', text)]
            following = re.search(r'href="([^"]+)"[^>]*rel="next"', text)
            url = following[1].replace("&amp;", "&") if following else ""
        assert len(seen) == 45
        assert set(seen) == made
        back = re.search(r'href="([^"]+)"[^>]*rel="prev"', desk.get(pages[-1]).content.decode())[1].replace(
            "&amp;", "&"
        )
        text = desk.get(back).content.decode()
        assert [int(i) for i in re.findall(rf'data-url="{LIST}(\d+)/"', text)] == seen[20:40]


def test_filters_views_and_columns_are_the_persons_own(desk, rep):
    ann = factories.actors_of(rep.pk)
    factories.customer(ann, name="昆山一厂", city="昆山", kind="dealer")
    factories.customer(ann, name="苏州二厂", city="苏州", kind="end_user")
    page = desk.get(f"{LIST}?f=city:is:昆山&f=kind:in:dealer").content.decode()
    assert "昆山一厂" in page
    assert "苏州二厂" not in page
    assert "去掉城市筛选" in page
    none = desk.get(f"{LIST}?f=city:is:昆山&f=kind:in:end_user").content.decode()
    assert "没有符合条件的客户" in none
    assert "去掉「城市」，看 1 家" in none
    desk.post(f"{LIST}views/", {"name": "昆山的", "query": "f=city%3Ais%3A%E6%98%86%E5%B1%B1"})
    assert "昆山的" in desk.get(LIST).content.decode()
    current = desk.get(f"{LIST}?f=city%3Ais%3A%E6%98%86%E5%B1%B1").content.decode()
    desk.post(re.search(r'action="([^"]+/delete/)"', current)[1])
    assert "昆山的" not in desk.get(LIST).content.decode()
    desk.post(f"{LIST}columns/", {"column": ["name", "city"]})
    assert "客户类型</" not in desk.get(LIST).content.decode().split("</thead>")[0]
    wrong = desk.get(f"{LIST}?f=nosuch:is:1")
    assert wrong.status_code == 400
    assert "不能按「nosuch」筛选。" in wrong.content.decode()
