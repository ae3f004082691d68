"""Clearing a person: afterwards nothing of them can be read anywhere, the rest is as it was, and history verifies."""

import io
from urllib.parse import quote, unquote_plus

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Held
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.exchange.documents import open_documents
from neiqin.kernel.exchange.models import Export, Import, Part
from neiqin.kernel.files import store
from neiqin.kernel.files.models import Attachment, StoredFile
from neiqin.kernel.guests.models import Guest, Invitation
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.personal.blobs import open_blob, seal_blob
from neiqin.kernel.personal.columns import open_columns, seal_columns
from neiqin.kernel.resources.models import Draft, SavedView
from neiqin.modules.customers.actions import edit
from neiqin.modules.customers.models import Address, Contact, Customer, FollowUp
from neiqin.modules.privacy import clearing
from tests import factories
from tests.exchange.test_import import do, drain, upload, workbook

pytestmark = pytest.mark.django_db
NAME, FORMER = "欧阳芷兰", "欧阳芷蓝"
PHONE, OLD_PHONE = "13912345678", "13987654321"
WORDS = (NAME, FORMER, PHONE, OLD_PHONE)
RIGHTS = {f"customers_{right}": "all" for right in (*factories.CUSTOMER_RIGHTS, "erase")} | {
    "exchange_import": "all", "exchange_export": "all", "people_view": "all",
}  # fmt: skip


@pytest.fixture(autouse=True)
def erased(settings, tmp_path):
    settings.ERASED = tmp_path / "erased"
    return settings.ERASED


@pytest.fixture
def boss():
    return factories.person("主管", position_=factories.position("主管", **RIGHTS))


@pytest.fixture
def web(boss):
    return factories.sign_in(Client(), boss)


@pytest.fixture
def known(boss, web):
    """A customer with a second contact, and the first one's name and phones in everything that keeps words."""
    by = actor_of(boss.pk)
    made = factories.customer(
        by,
        contacts=[{"name": FORMER, "mobile": OLD_PHONE}, {"name": "潘建国", "mobile": "13800138000"}],
        addresses=[{"consignee": NAME, "mobile": PHONE, "street": "锡沪路 8 号"}],
        remark=f"找{FORMER}谈价，{OLD_PHONE}",
    )
    contact = made.contacts.order_by("id").first()
    rows = [{"id": contact.pk, "name": NAME, "mobile": PHONE}]
    key = {"by": by, "key": "once", "source": "web"}
    assert perform(edit, [made.pk], params={"contacts": rows, "remark": f"{NAME}已换号 {PHONE}"}, **key).done
    factories.followup(made, contact=NAME, content=f"给{NAME}打电话 {PHONE}\n她说下月再谈", next_what=f"再找{NAME}")
    table = workbook([("无锡新来的机械有限公司", NAME, PHONE, "1000.00", "无锡市")])
    do(web, upload(web, table), "start")
    assert (
        web.post("/exports/new/", {"kind": "customers.customer", "form": "csv", "purpose": "给财务"}).status_code == 302
    )
    drain()
    draft = {"name": made.name, "contacts-0-name": NAME, "contacts-0-mobile": PHONE}
    web.post(f"/customers/customer/draft/{made.pk}/", draft)
    Notice.objects.create(
        person=boss, title=f"{NAME}来电话", text=f"回她 {PHONE}", model="customers.customer", record_id=made.pk,
        created_at=clock.now(),
    )  # fmt: skip
    SavedView.objects.create(
        person_id=boss.pk, resource="customers.customer", name="找她", query=f"q={quote(PHONE)}", created_at=clock.now()
    )
    body = seal_blob(f'{{"params": {{"contacts": [{{"name": "{NAME}", "mobile": "{PHONE}"}}]}}}}'.encode())
    Held.objects.create(
        action="customers.customer.edit", person_id=boss.pk, versions={str(made.pk): 1}, params=body, reason="",
        held_at=clock.now(), closed_at=clock.now(),
    )  # fmt: skip
    guest = Guest(subject=contact.subject, kind="contact", record_id=contact.pk, created_at=clock.now())
    seal_columns([guest], [{"name": NAME}])
    guest.save()
    Invitation.objects.create(
        guest=guest, subject=contact.subject, ask="x", model="customers.customer", record_id=made.pk, token_hash=b"t",
        created_at=clock.now(), expires_at=clock.now(),
    )  # fmt: skip
    file = SimpleUploadedFile(f"{NAME}名片.txt", f"{NAME} {PHONE}".encode())
    assert web.post(f"/files/customers.customer/{made.pk}/", {"file": file}).status_code < 400
    return made


def cleared(web, customer, **more):
    contact = customer.contacts.order_by("id").first()
    given = {"id": customer.pk, "who": f"contact-{contact.pk}", "reason": "asked"} | more
    with_commits = connection.run_on_commit
    answer = web.post("/privacy/", given)
    for _, run, _ in list(with_commits):
        run()
    return answer


def readable() -> dict[str, set[str]]:
    """Word -> where it can be read: as text, or as octets in hexadecimal in UTF-8 or GB18030."""
    found: dict[str, set[str]] = {word: set() for word in WORDS}
    for place, text in (*_tables(), *_blobs(), *_files(), *_columns()):
        for word in WORDS:
            if any(form in text for form in _forms(word)):
                found[word].add(place)
    return found


def _forms(word):
    return word, word.encode().hex(), word.encode("gb18030").hex()


def _tables():
    """Every row of every table that the application may read."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND has_table_privilege(oid, 'SELECT')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            yield from ((table, row) for (row,) in cursor.fetchall())


def _blobs():
    """What is sealed under the master key."""
    yield from (("draft", unquote_plus(open_blob(bytes(d.body)).decode())) for d in Draft.objects.all())
    yield from (("held", open_blob(bytes(held.params)).decode()) for held in Held.objects.all())
    yield from (("part", str(open_documents(part.body))) for part in Part.objects.all())
    yield from (("peek", open_blob(bytes(imp.peek)).decode()) for imp in Import.objects.all())


def _files():
    """Stored bodies, of workbooks also the cells."""
    for stored in StoredFile.objects.all():
        body = store.body_of(stored) if store.path_of(stored.place).exists() else b""
        yield "file", body.hex()
        yield "file", "\n".join(_sheets(body))


def _columns():
    """Personal columns, opened."""
    for model, names in ((Contact, ["name", "mobile"]), (Address, ["consignee", "mobile"]), (FollowUp, ["contact"])):
        yield from ((model.__name__, str(texts)) for texts in open_columns(list(model.objects.all()), names))
    yield from (("Guest", str(texts)) for texts in open_columns(list(Guest.objects.all()), ["name"]))


def _sheets(body: bytes):
    if body[:2] == b"PK":
        from python_calamine import load_workbook

        for row in load_workbook(io.BytesIO(body)).get_sheet_by_index(0).to_python():
            yield str(row)


def test_before_it_is_cleared_the_person_is_found_in_all_these_places(known):
    where = readable()
    assert where[PHONE] >= {
        "customers_customer", "customers_followup", "actions_change", "notices_notice", "resources_savedview", "part",
        "peek", "file", "Contact", "draft", "held",
    }  # fmt: skip
    assert where[NAME] >= {"files_attachment", "Guest", "FollowUp", "search_entry"}
    assert "actions_change" in where[OLD_PHONE]


def test_cleared_on_the_screen_nothing_of_the_person_can_be_read_anywhere(known, web):
    paper = Attachment.objects.get()
    others = Customer.objects.get(pk=known.pk)
    page = web.get(f"/privacy/?id={known.pk}").content.decode()
    assert NAME in page
    assert "清除，不能恢复" in page

    assert cleared(web, known, file=paper.pk).status_code == 302

    imported = Customer.objects.exclude(pk=known.pk).get()
    person = imported.contacts.get()
    again = {"id": imported.pk, "who": f"contact-{person.pk}", "reason": "asked"}
    assert web.post("/privacy/", again).status_code == 302
    for _, run, _ in list(connection.run_on_commit):
        run()
    assert {word: places for word, places in readable().items() if places} == {}
    page = web.get(f"/customers/customer/{known.pk}/").content.decode()
    assert "已清除" in page
    assert not [word for word in WORDS if word in page]
    assert "潘建国" in page, "the other contact is as he was"
    known.refresh_from_db()
    assert (known.name, known.owner_id, known.level) == (others.name, others.owner_id, others.level)
    assert known.remark == "某联系人已换号 某联系人"
    assert FollowUp.objects.get().content == "给某联系人打电话 某联系人\n她说下月再谈"
    assert Export.objects.get().file is None
    assert "清除" in web.get("/exports/").content.decode()
    assert Invitation.objects.get().revoked_at is not None
    assert Notice.objects.filter(title="某联系人来电话").exists()
    assert web.get("/customers/customer/", {"q": NAME}).content.decode().count(known.name) == 0
    assert known.name in web.get("/customers/customer/", {"q": "潘建国"}).content.decode()


def test_cleared_twice_is_refused_with_a_sentence(known, web):
    contact = known.contacts.order_by("id").first()
    cleared(web, known)
    answer = web.post("/privacy/", {"id": known.pk, "who": f"contact-{contact.pk}", "reason": "asked"})
    assert answer.status_code == 409
    assert "已经清除" in answer.content.decode()


def test_the_address_of_the_same_person_goes_along_and_another_contact_does_not(known, web):
    cleared(web, known)
    assert known.addresses.get().erased_at is not None
    assert [c.erased_at is None for c in known.contacts.order_by("id")] == [False, True]


def test_while_an_import_is_being_written_it_waits(known, web):
    Import.objects.update(state="writing")
    answer = cleared(web, known)
    assert answer.status_code == 409
    assert "等它做完" in answer.content.decode()
    assert known.contacts.filter(erased_at=None).count() == 2


def test_while_a_second_person_has_yet_to_check_it_waits(known, web):
    Held.objects.update(closed_at=None)
    answer = cleared(web, known)
    assert answer.status_code == 409
    assert "先复核或撤回再清除" in answer.content.decode()
    assert known.contacts.filter(erased_at=None).count() == 2


def test_a_company_named_after_the_person_keeps_its_name_in_texts(boss, web):
    shop = factories.customer(
        actor_of(boss.pk),
        name=f"{NAME}五金店",
        contacts=[{"name": NAME, "mobile": PHONE}],
        remark=f"{NAME}五金店 {PHONE}",
    )
    cleared(web, shop)
    shop.refresh_from_db()
    assert shop.name == f"{NAME}五金店"
    assert shop.remark == f"{NAME}五金店 某联系人"


def test_what_was_cleared_is_cleared_again_after_an_older_backup_is_put_back(known, web):
    contact = known.contacts.order_by("id").first()
    settings.ERASED.write_text(f"{contact.subject}\n", "ascii")
    assert clearing.again() == 1
    assert clearing.again() == 0
    assert known.contacts.filter(erased_at=None).count() == 1


def test_it_remembers_whom_it_cleared_beside_the_data(known, web):
    contact = known.contacts.order_by("id").first()
    cleared(web, known)
    assert str(contact.subject) in settings.ERASED.read_text("ascii").split()


def test_without_the_right_there_is_no_page_and_no_button(known):
    rep = factories.sign_in(Client(), factories.person("周启明"))
    assert rep.get(f"/privacy/?id={known.pk}").status_code == 403
