"""Printing records and lists: inside scope, rights and masks, counted, told, in the background when it is much."""

import re

import pypdfium2 as pdfium
import pytest
from django.test import Client

from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.files.models import StoredFile
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.printing import forms, pages
from neiqin.kernel.printing.models import Count, Job, Offset
from neiqin.kernel.resources.resource import site
from neiqin.modules.customers.models import Customer
from tests import factories
from tests.stranger.models import Sample

KIND = "customers.customer"


def words(answer):
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    document = pdfium.PdfDocument(body)
    return "\n".join(document[n].get_textpage().get_text_range() for n in range(len(document)))


@pytest.fixture
def owner(db):
    return factories.actor("周启明", position_=factories.rep_position(printing_list="own"))


@pytest.fixture
def record(owner):
    return factories.customer(owner, "澄江䶮精密有限公司", credit_limit="1234567.8")


@pytest.fixture
def desk(owner, client):
    return factories.sign_in(client, owner)


def press(desk, *records, **more):
    return desk.post("/print/", {"kind": KIND, "id": [r.pk for r in records], "form": "record", **more})


def test_a_record_is_printed_as_its_page_shows_it(desk, record):
    answer = press(desk, record)
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/pdf", "no-store")
    assert answer["Content-Disposition"].startswith("inline")
    text = words(answer)
    for shown in ("澄江䶮精密有限公司", record.number, "1,234,567.80", "138****8000", "打印人 周启明", "在用"):
        assert shown in text, shown
    assert "13800138000" not in text


def test_the_second_print_says_so_and_history_tells_of_both(desk, record):
    assert "次打印" not in words(press(desk, record))
    assert "第 2 次打印" in desk.get(f"/print/?kind={KIND}&id={record.pk}", HTTP_HX_REQUEST="true").content.decode()
    assert "第 2 次打印" in words(press(desk, record))
    told = [e.data["words"] for e in Event.objects.filter(name=f"{KIND}.printed", record_id=record.pk).order_by("id")]
    assert told == ["打印记录单", "打印记录单（第 2 次）"]
    assert Customer.objects.get(pk=record.pk).version == record.version


def test_what_a_person_may_not_see_is_not_printed(desk, record, owner):
    viewer = factories.person("看", position_=factories.position("看", customers_view="all"))
    text = words(press(factories.sign_in(Client(), viewer), record))
    assert "澄江" in text
    assert "信用额度" not in text
    stranger = factories.sign_in(Client(), factories.person("何雨桐"))
    before = Run.objects.filter(action="refused").count()
    assert press(stranger, record).status_code == 404
    assert Run.objects.filter(action="refused").count() == before + 1
    powerless = factories.sign_in(Client(), factories.person("无权", position_=factories.position("无权岗")))
    assert press(powerless, record).status_code == 404
    assert press(Client(), record).url.startswith("/login/")
    assert powerless.post("/print/list/", {"kind": KIND}).status_code == 403
    assert Count.objects.get().count == 1


def test_a_character_that_cannot_be_printed_stops_it_before_it_is_counted(desk, owner):
    record = factories.customer(owner, remark="好😀")
    answer = press(desk, record)
    assert (answer.status_code, "「😀」 没有印刷字形" in answer.content.decode()) == (422, True)
    assert not Count.objects.exists()
    assert not Event.objects.filter(name=f"{KIND}.printed").exists()


def test_chosen_records_come_as_one_file_in_their_order(desk, owner, record):
    other = factories.customer(owner, "宁波甬泰注塑有限公司")
    text = words(press(desk, other, record))
    assert text.index("宁波甬泰") < text.index("澄江䶮")
    assert sorted(Count.objects.values_list("record_id", "count")) == sorted([(other.pk, 1), (record.pk, 1)])


def test_how_a_printer_is_off_is_remembered_for_the_person_and_paper(desk, record, owner):
    press(desk, record, left="3.5", top="-2")
    press(desk, record, left="x", top="1")
    press(desk, record, left="9999", top="1")
    assert list(Offset.objects.values_list("person_id", "paper", "left", "top")) == [
        (owner.id, "A4", pytest.approx(3.5), pytest.approx(-2))
    ]
    dialog = desk.get(f"/print/?kind={KIND}&id={record.pk}", HTTP_HX_REQUEST="true").content.decode()
    assert 'name="left" value="3.5"' in dialog


def test_a_list_is_printed_whole_within_scope_and_noted(desk, record, owner):
    factories.customer(owner, "宁波甬泰注塑有限公司", credit_limit="100")
    factories.customer(factories.actor(), "别人的客户有限公司")
    text = words(desk.post("/print/list/", {"kind": KIND, "purpose": "拜访", "q": ""}))
    assert "别人的客户" not in text
    assert "信用额度 合计 1,234,667.80" in text
    told = Run.objects.filter(action="print.list").values_list("params", flat=True).get()
    assert told == {"kind": KIND, "rows": 2, "filter": "全部", "purpose": "拜访"}
    assert "宁波" not in words(desk.post("/print/list/", {"kind": KIND, "purpose": "拜访", "q": "q=澄江䶮"}))
    assert desk.post("/print/list/", {"kind": KIND, "purpose": "拜访", "q": "f=nothing:is:x"}).status_code in (200, 422)


def test_buttons_stand_over_the_list_for_chosen_rows_and_in_the_record_menu(desk, record):
    page = desk.get("/customers/customer/").content.decode()
    assert f"/print/list/?kind={KIND}" in page
    assert f'hx-get="/print/?kind={KIND}"' in page
    assert f"/print/?kind={KIND}&amp;id={record.pk}" in desk.get(f"/customers/customer/{record.pk}/").content.decode()


def test_a_form_of_a_module_comes_on_its_own_paper_with_its_mark(owner, client):
    clerk = factories.person("何雨桐", position_=factories.position("样品员", stranger_view="all", stranger_edit="all"))
    factories.sign_in(client, clerk)
    open_, lent = factories.MAKERS["stranger.sample"](), factories.MAKERS["stranger.sample"]()
    Sample.objects.filter(pk=lent.pk).update(back_on="2026-12-01", quantity="3")
    dialog = client.get(f"/print/?kind=stranger.sample&id={lent.pk}", HTTP_HX_REQUEST="true").content.decode()
    assert dialog.index("借用单") < dialog.index("记录单")
    given = {"kind": "stranger.sample", "id": [open_.pk, lent.pk], "form": "stranger.lent", "left": "2"}
    answer = client.post("/print/", given)
    document = pdfium.PdfDocument(answer.content)
    assert [round(side / 72 * 25.4) for side in document[0].get_size()] == [241, 140]
    texts = [document[n].get_textpage().get_text_range() for n in range(len(document))]
    assert ["未审批" in text for text in texts] == [True, False]
    assert "叁元整" in texts[1]
    assert Offset.objects.get().paper == "241"
    assert set(Count.objects.values_list("form", "count")) == {("stranger.lent", 1)}
    wrong = press(client, factories.customer(owner), form="stranger.lent")
    assert wrong.status_code == 404


def test_much_is_printed_in_the_background_and_only_its_person_opens_it(own_database, settings, tmp_path, monkeypatch):
    settings.FILES = tmp_path
    owner = factories.actor("周启明", position_=factories.rep_position(printing_list="own", stranger_view="own"))
    desk = factories.sign_in(Client(), owner)
    records = [factories.customer(owner) for _ in range(4)]
    owned = {"owner_id": owner.id, "unit_id": owner.unit_id} | factories.stamps()
    samples = [Sample.objects.create(name=f"样品{n}", **owned) for n in "甲乙丙丁"]
    monkeypatch.setattr(pages, "AT_ONCE", 3)
    monkeypatch.setattr(pages, "ROWS_AT_ONCE", 3)
    assert press(desk, *records).url == "/print/jobs/"
    assert desk.post("/print/list/", {"kind": "stranger.sample", "q": ""}).url == "/print/jobs/"
    assert "正在排版" in desk.get("/print/jobs/").content.decode()
    assert drain() >= 2
    one, two = Job.objects.order_by("id")
    assert (one.state, two.state) == ("done", "done")
    text = words(desk.get(f"/print/jobs/{one.pk}/"))
    assert len(re.findall(r"第 1 页", text)) == 4
    assert all(r.name in words(desk.get(f"/print/jobs/{two.pk}/")) for r in samples)
    other = factories.sign_in(Client(), factories.person("何雨桐"))
    assert other.get(f"/print/jobs/{one.pk}/").status_code == 404
    pages.make(one.pk)  # asked again: nothing is done twice
    assert (Count.objects.get(record_id=records[0].pk).count, StoredFile.objects.count()) == (1, 2)


def test_every_kind_of_record_is_printed(db, client):
    everything = {p.replace(".", "_", 1): "all" for _, group in site().permissions for p in group}
    boss = factories.person("全知", position_=factories.position("全知岗", **everything))
    factories.sign_in(client, boss)
    for key, resource in site().resources.items():
        made = factories.MAKERS[key]()
        answer = client.post("/print/", {"kind": key, "id": made.pk})
        assert answer["Content-Type"] == "application/pdf", key
        assert str(getattr(made, resource.title)) in words(answer)
        assert client.post("/print/list/", {"kind": key, "purpose": "拜访"})["Content-Type"] == "application/pdf", key
    assert forms.PRINT.keys() == site().resources.keys()
