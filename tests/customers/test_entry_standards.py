"""Entry standards and duplicates (C-DATA-01): one sentence at all doors; who is there already is said before saving."""

import pytest
from django.test import Client

from neiqin.kernel.resources import finding, nearby
from neiqin.modules.customers.models import Customer
from neiqin.modules.customers.resources import customer as resource
from tests import factories
from tests.exchange.test_import import RIGHTS, counts, folder, texts, upload, workbook  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk():
    return factories.person("林知夏", position_=factories.rep_position("own", **RIGHTS))


@pytest.fixture
def web(clerk):
    return factories.sign_in(Client(), clerk)


def form(name: str, mobile: str = "13800138000", **more: str) -> dict[str, str]:
    return {"name": name, "contacts-0-name": "潘工", "contacts-0-mobile": mobile} | more


def there(name: str, **values) -> Customer:
    made = factories.customer(name=name, **values)
    finding.reindex(resource, [made.pk])  # as the worker does a moment later
    return made


@pytest.mark.clause("C-DATA-01")
def test_a_wrong_phone_is_refused_in_form_import_and_interface_with_the_same_sentence(web, clerk):
    answer = web.post("/customers/customer/new/", form("苏州恒瑞精密机械有限公司", "12800138000"))
    assert answer.status_code == 422
    row = {"name": "苏州恒瑞精密机械有限公司", "contacts": [{"name": "潘工", "mobile": "12800138000"}]}
    api = factories.api(Client(), clerk).post("/api/v1/customers", row, content_type="application/json")
    assert api.status_code == 422
    (sentence,) = [p["message"] for p in api.json()["problems"]]
    imp = upload(web, workbook([("苏州恒瑞精密机械有限公司", "潘工", "12800138000", "", "")]))
    assert counts(imp) == {"new": 0, "update": 0, "skip": 0, "bad": 1}
    assert "12800138000" in sentence or "手机" in sentence
    for page in (answer.content.decode(), texts(web, imp)):
        assert sentence in page
    assert not Customer.objects.exists()


@pytest.mark.clause("C-DATA-01")
@pytest.mark.parametrize(
    "typed",
    [
        "苏州恒瑞精密机械有限责任公司",  # another legal form
        "苏州恒锐精密机械有限公司",  # a character of the same sound
        "苏州恒瑞精密机械（有限公司",  # a slip
        "苏州 恒瑞 精密机械有限公司",
    ],
)
def test_a_nearly_equal_name_shows_the_file_that_is_there_before_saving(web, typed):
    known = there("苏州恒瑞精密机械有限公司")
    answer = web.post("/customers/customer/nearby/", form(typed))
    page = answer.content.decode()
    assert f"已有「苏州恒瑞精密机械有限公司」（{known.number}，负责人{known.owner.name}），名称几乎一样。" in page
    assert "/customers/customer/" not in page  # not hers to open

    answer = web.post("/customers/customer/new/", form(typed))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "可能已经建过档" in page
    assert "不是同一家，照样新建" in page
    assert Customer.objects.count() == 1

    answer = web.post("/customers/customer/new/", form(typed, nearby=str(known.pk)))
    assert answer.status_code == 302
    assert Customer.objects.count() == 2


def test_another_company_is_no_duplicate(web):
    there("苏州恒瑞精密机械有限公司")
    for name in ("苏州恒瑞电气有限公司", "无锡恒瑞精密机械有限公司", "恒瑞"):
        assert "可能" not in web.post("/customers/customer/nearby/", form(name, "13900000000")).content.decode()
    assert web.post("/customers/customer/new/", form("苏州恒瑞电气有限公司", "13900000000")).status_code == 302


def test_a_phone_that_is_known_shows_its_customer(web, clerk):
    mine = there("苏州恒瑞精密机械有限公司", owner=factories.actors_of(clerk.pk))
    page = web.post("/customers/customer/nearby/", form("无锡全新电气有限公司", "138 0013 8000")).content.decode()
    assert "电话相同" in page
    assert f"/customers/customer/{mine.pk}/" in page


def test_an_import_warns_of_nearly_equal_names_and_goes_on(web):
    there("苏州恒瑞精密机械有限公司")
    imp = upload(web, workbook([("苏州恒锐精密机械有限公司", "潘工", "13800138001", "", "")]))
    assert counts(imp)["new"] == 1
    assert "名称几乎一样" in texts(web, imp, "?show=warned")


def test_many_names_are_asked_at_once(django_assert_max_num_queries):
    for n in range(5):
        there(f"苏州恒瑞{'甲乙丙丁戊'[n]}精密机械有限公司")
    names = [f"苏州恒瑞{c}精密机械有限责任公司" for c in "甲乙丙丁戊"] * 20
    with django_assert_max_num_queries(6):
        found = nearby.by_name(resource, names)
    assert len(found) == 5


def test_who_may_not_create_is_not_told(web):
    there("苏州恒瑞精密机械有限公司")
    reader = factories.sign_in(Client(), factories.person(position_=factories.position("财务", customers_view="own")))
    assert reader.post("/customers/customer/nearby/", form("苏州恒瑞精密机械有限公司")).status_code == 404


def test_a_form_with_thousands_of_phones_asks_for_a_few(web, django_assert_max_num_queries):
    typed = form("无锡全新电气有限公司") | {f"contacts-{n}-mobile": f"139{n:08}" for n in range(5_000)}
    with django_assert_max_num_queries(82):
        assert web.post("/customers/customer/nearby/", typed).status_code == 200


def test_a_former_name_finds_the_customer_that_has_been_renamed(web, clerk):
    known = there("苏州恒瑞精密机械有限公司", owner=factories.actors_of(clerk.pk))
    web.post(f"/customers/customer/{known.pk}/edit/", {"version": "1", "partial": "1", "name": "苏州新源传动有限公司"})
    finding.reindex(resource, [known.pk])
    (alias,) = known.aliases.all()
    assert (alias.name, Customer.objects.get().name) == ("苏州恒瑞精密机械有限公司", "苏州新源传动有限公司")
    page = web.post("/customers/customer/nearby/", form("苏州恒瑞精密机械有限责任公司")).content.decode()
    assert f"已有「苏州新源传动有限公司」（{known.number}，负责人林知夏），曾用名几乎一样。" in page
    assert known.number in web.get("/customers/customer/?q=恒瑞精密").content.decode()


def test_a_typed_registry_code_shows_whose_it_is_and_nothing_more(web):
    known = there("苏州恒瑞精密机械有限公司", uscc="91320594MA1AB2CD3G")
    typed = form("无锡全新电气有限公司", "", uscc="91320594 ma1ab2cd3g")
    page = web.post("/customers/customer/nearby/", typed).content.decode()
    assert f"已有「苏州恒瑞精密机械有限公司」（{known.number}，负责人{known.owner.name}），信用代码相同。" in page
    assert "/customers/customer/" not in page
    half = web.post("/customers/customer/nearby/", form("无锡全新电气有限公司", "", uscc="91320594")).content.decode()
    assert "已有" not in half


def test_who_points_to_itself_or_to_a_stranger_s_customer_is_refused(web, clerk):
    mine, foreign = (
        there("苏州恒瑞精密机械有限公司", owner=factories.actors_of(clerk.pk)),
        there("无锡新远水泵有限公司"),
    )
    for target in (mine.pk, foreign.pk, 999_999):
        url = f"/customers/customer/{mine.pk}/edit/"
        answer = web.post(url, {"version": "1", "partial": "1", "parent": str(target)})
        assert "「上级客户」不存在，或者就是这家客户，重新选。" in answer.content.decode()
    assert Customer.objects.get(pk=mine.pk).parent_id is None
