"""Files of a record: who may do what, versions, filing, damage, hostile names and contents; screen and API."""

import hashlib
import io
import zlib
from threading import BoundedSemaphore

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Change, Event, Run
from neiqin.kernel.files import attach, care, kinds, previews, store
from neiqin.kernel.files.models import Attachment, StoredFile
from neiqin.kernel.resources.resource import site
from neiqin.modules.customers.models import Customer
from tests import factories

pytestmark = pytest.mark.django_db
KIND = "customers.customer"
TEXT = "合同：澄江精密".encode()
VIEWER = {"customers_view": "all"}


def pdf(script: str = "", pages: int = 1) -> bytes:
    """A small PDF of blank pages, with a script that runs at opening."""
    action = f"/OpenAction << /S /JavaScript /JS ({script}) >>" if script else ""
    kids = " ".join(f"{n + 3} 0 R" for n in range(pages))
    objects = [f"<< /Type /Catalog /Pages 2 0 R {action} >>", f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>"]
    objects += ["<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>"] * pages
    body, at = b"%PDF-1.7\n", []
    for n, text in enumerate(objects, 1):
        at.append(len(body))
        body += f"{n} 0 obj\n{text}\nendobj\n".encode()
    table = "".join(f"{a:010} 00000 n \n" for a in at)
    return (
        body
        + (
            f"xref\n0 {len(at) + 1}\n0000000000 65535 f \n{table}trailer << /Size {len(at) + 1} /Root 1 0 R >>\n"
            f"startxref\n{len(body)}\n%%EOF"
        ).encode()
    )


def photo(size=(60, 40), form="JPEG", **more) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, form, **more)
    return out.getvalue()


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.FILES = tmp_path
    return tmp_path


@pytest.fixture
def owner():
    return factories.actor("周启明")


@pytest.fixture
def record(owner):
    return factories.customer(owner)


@pytest.fixture
def desk(owner, client):
    return factories.sign_in(client, owner)


def upload(desk, record, body=TEXT, name="合同.txt", **more):
    given = SimpleUploadedFile("x", body)
    given._name = name
    return desk.post(f"/files/{KIND}/{record.pk}/", {"file": given, **more}, HTTP_X_REQUESTED_WITH="fetch")


def said(answer):
    return answer.json()["files"][0]


def attached(record):
    return list(Attachment.objects.filter(kind=KIND, record_id=record.pk).order_by("id"))


def body_of(answer):
    return b"".join(answer.streaming_content)


def test_an_uploaded_file_comes_back_as_it_was_and_the_timeline_says_so(desk, record):
    assert said(upload(desk, record, category="合同")) == {"name": "合同.txt", "ok": True, "message": ""}
    [row] = attached(record)
    assert (row.name, row.category, row.number, row.size) == ("合同.txt", "合同", 1, len(TEXT))
    assert row.sha256 == hashlib.sha256(TEXT).hexdigest()
    answer = desk.get(f"/files/{row.pk}/")
    assert body_of(answer) == TEXT
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert (answer["X-Content-Type-Options"], answer["Content-Type"]) == ("nosniff", "application/octet-stream")
    page = desk.get(f"/customers/customer/{record.pk}/").content.decode()
    assert "上传附件 合同.txt" in page
    assert 'id="panel-files"' in page
    [told] = Run.objects.filter(action="file.download").values_list("params", flat=True)
    assert (told["ids"], told["attachment"], told["sha256"]) == ([record.pk], row.pk, row.sha256)


def test_a_file_leaves_the_record_as_it_was_so_that_no_open_form_is_stale(desk, record):
    mine = Change.objects.filter(tbl="customers_customer", row_id=record.pk)
    before = mine.count()
    upload(desk, record)
    assert Customer.objects.get(pk=record.pk).version == record.version
    assert (Change.objects.filter(tbl="files_attachment", op="I").count(), mine.count()) == (1, before)


def test_the_same_file_again_is_not_stored_twice(desk, record, folder):
    upload(desk, record)
    again = upload(desk, record)
    assert again.status_code == 422
    assert said(again)["message"] == "「合同.txt」已经在这里了，内容一样，没有再存一份。"
    assert (len(attached(record)), StoredFile.objects.count()) == (1, 1)
    assert len([p for p in folder.rglob("*") if p.is_file()]) == 1


# Who may do what


def test_a_colleague_without_the_record_finds_nothing_and_it_is_noted(desk, record):
    upload(desk, record)
    [row] = attached(record)
    other = factories.sign_in(Client(), factories.person("何雨桐"))
    for address in (f"/files/{KIND}/{record.pk}/", f"/files/{row.pk}/", f"/files/{row.pk}/preview/",
                    f"/files/{row.pk}/preview/0/", f"/files/{row.pk}/file/"):  # fmt: skip
        before = Run.objects.filter(action="refused").count()
        assert other.get(address).status_code == 404, address
        assert Run.objects.filter(action="refused").count() == before + 1, address
    for verb in ("file", "remove", "restore"):
        assert other.post(f"/files/{row.pk}/{verb}/").status_code == 404
    assert upload(other, record).status_code == 404
    assert attached(record) == [row]
    assert StoredFile.objects.count() == 1


def test_who_may_only_see_downloads_and_neither_adds_nor_files_nor_removes(desk, record):
    upload(desk, record)
    [row] = attached(record)
    viewer = factories.sign_in(Client(), factories.person("鲁建国", position_=factories.position("看", **VIEWER)))
    assert body_of(viewer.get(f"/files/{row.pk}/")) == TEXT
    answer = upload(viewer, record, b"x", "b.txt")
    assert said(answer)["message"] == "你可以看这条记录，但没有给它上传附件的权限。"
    assert viewer.post(f"/files/{row.pk}/file/").status_code == 409
    removed = viewer.post(f"/files/{row.pk}/remove/")
    assert (removed.status_code, "只有上传的人" in removed.content.decode()) == (409, True)
    page = viewer.get(f"/files/{KIND}/{record.pk}/").content.decode()
    assert "合同.txt" in page
    assert "data-add" not in page
    assert "/remove/" not in page
    row.refresh_from_db()
    assert (row.filed_at, row.removed_at, len(attached(record))) == (None, None, 1)


def test_anonymous_goes_to_the_login(client, desk, record):
    upload(desk, record)
    [row] = attached(record)
    nobody = Client()
    for address in (f"/files/{KIND}/{record.pk}/", f"/files/{row.pk}/", f"/files/{row.pk}/preview/0/"):
        assert nobody.get(address).url.startswith("/login/")
    assert upload(nobody, record).url.startswith("/login/")
    assert nobody.get(f"/api/v1/customers/{record.pk}/files").status_code == 401
    assert len(attached(record)) == 1


def test_the_api_lists_takes_and_gives_files_behind_the_same_gate(owner, record):
    api = factories.api(Client(), owner)
    base = f"/api/v1/customers/{record.pk}/files"
    made = api.post(base, {"file": [SimpleUploadedFile("a.txt", TEXT), SimpleUploadedFile("b.pdf", pdf())]})
    assert made.status_code == 201
    items = made.json()["items"]
    assert [(i["name"], i["number"], i["filed_at"]) for i in items] == [("a.txt", 1, None), ("b.pdf", 1, None)]
    assert api.get(base).json()["items"] == items
    assert body_of(api.get(f"{base}/{items[0]['id']}")) == TEXT
    assert api.post(base, {"file": SimpleUploadedFile("a.txt", TEXT)}).status_code == 409
    assert api.post(base, {"file": SimpleUploadedFile("a.exe", b"MZ")}).status_code == 422
    assert api.post(base).status_code == 422
    other = factories.customer(owner)
    assert api.get(f"/api/v1/customers/{other.pk}/files/{items[0]['id']}").status_code == 404
    stranger = factories.api(Client(), factories.person("何雨桐"))
    assert stranger.get(base).status_code == 404
    assert stranger.get(f"{base}/{items[0]['id']}").status_code == 404
    assert stranger.post(base, {"file": SimpleUploadedFile("c.txt", b"c")}).status_code == 404
    powerless = factories.api(Client(), factories.person("无权", position_=factories.position("无权岗")))
    assert [powerless.get(base).status_code, powerless.post(base).status_code] == [403, 403]
    assert len(attached(record)) == 2


def test_its_adder_removes_a_file_and_brings_it_back(desk, record):
    upload(desk, record)
    [row] = attached(record)
    page = desk.post(f"/files/{row.pk}/remove/").content.decode()
    assert "30 天内删除的 1 个" in page
    assert desk.get(f"/files/{row.pk}/").status_code == 404
    assert "合同.txt" not in [i["name"] for i in _items(desk, record)]
    desk.post(f"/files/{row.pk}/restore/")
    assert body_of(desk.get(f"/files/{row.pk}/")) == TEXT
    said = [e.data["words"] for e in Event.objects.filter(model=KIND, record_id=record.pk, data__isnull=False)]
    assert said == ["上传附件 合同.txt", "删除附件 合同.txt", "恢复附件 合同.txt"]


def _items(desk, record):
    return desk.get(f"/api/v1/customers/{record.pk}/files").json()["items"]


# Versions and filing


def test_a_new_version_keeps_the_old_ones(desk, record):
    upload(desk, record)
    [first] = attached(record)
    upload(desk, record, b"second", "合同改.txt", of=str(first.group))
    one, two = attached(record)
    assert [(r.group, r.number, r.name) for r in (one, two)] == [
        (first.group, 1, "合同.txt"), (first.group, 2, "合同改.txt")]  # fmt: skip
    assert body_of(desk.get(f"/files/{one.pk}/")) == TEXT
    page = desk.get(f"/files/{KIND}/{record.pk}/").content.decode()
    assert 'data-count="1"' in page
    assert "旧版 1 个" in page
    assert said(upload(desk, record, b"third", of="nothing"))["ok"] is False
    other = factories.customer(factories.actor())
    assert said(upload(desk, record, b"third", of=str(other.pk)))["ok"] is False


def test_a_filed_file_stays_and_even_the_database_refuses_to_change_it(desk, record):
    upload(desk, record)
    [row] = attached(record)
    assert row.sha256 in desk.get(f"/files/{row.pk}/file/").content.decode()
    assert "已归档" in desk.post(f"/files/{row.pk}/file/").content.decode()
    assert desk.post(f"/files/{row.pk}/file/").status_code == 200  # once more changes nothing
    assert Event.objects.filter(name=f"{KIND}.file_filed").count() == 1
    refused = desk.post(f"/files/{row.pk}/remove/")
    assert (refused.status_code, "已归档，不能删除" in refused.content.decode()) == (409, True)
    for statement in ("UPDATE files_attachment SET name = 'x'", "DELETE FROM files_attachment"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert said(upload(desk, record, b"v2", of=str(row.group)))["ok"] is True
    assert [r.number for r in attached(record)] == [1, 2]
    assert attach.filed_on(KIND, [record.pk, record.pk + 1]) == {record.pk}


def test_the_log_tells_of_files_only_inside_the_readers_scope(desk, record):
    upload(desk, record)
    run = Run.objects.get(action=f"{KIND}.attach_file").pk
    for rights, seen in ({"audit_view": "all", **VIEWER}, True), ({"audit_view": "all"}, False):
        reader = factories.sign_in(Client(), factories.person("审计", position_=factories.position("审计", **rights)))
        page = reader.get(f"/log/{run}/").content.decode()
        assert ("合同.txt" in page, "附件 名称" in page) == (seen, True)


# Damage


def damage(row, record):
    path = store.path_of(row.file.place)
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)


def test_a_file_changed_on_disk_is_not_handed_out_and_marked_from_then_on(desk, record, owner):
    upload(desk, record)
    [row] = attached(record)
    damage(row, record)
    answer = desk.get(f"/files/{row.pk}/")
    assert (answer.status_code, "文件被改动过" in answer.content.decode()) == (409, True)
    assert "文件被改动过" in desk.get(f"/customers/customer/{record.pk}/").content.decode()
    api = factories.api(Client(), owner)
    assert api.get(f"/api/v1/customers/{record.pk}/files/{row.pk}").status_code == 409
    refused = desk.post(f"/files/{row.pk}/file/")
    assert (refused.status_code, "不能归档" in refused.content.decode()) == (409, True)
    assert not Run.objects.filter(action="file.download").exists()


def test_verifying_names_what_is_damaged_missing_or_not_what_history_says(desk, record):
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        upload(desk, record, name.encode(), name)
    whole, changed, missing, swapped = attached(record)
    damage(changed, record)
    store.path_of(missing.file.place).unlink()
    Attachment.objects.filter(pk=swapped.pk).update(file=whole.file)
    found = {d.attachment: (d.kind, d.record, d.name, d.why) for d in care.verify_all()}
    assert found == {
        changed.pk: (KIND, record.pk, "b.txt", "内容被改动过"),
        missing.pk: (KIND, record.pk, "c.txt", "文件不在磁盘上"),
        swapped.pk: (KIND, record.pk, "d.txt", "校验码和历史记录里的不同"),
    }


def test_removed_bodies_go_after_a_month_and_refused_ones_leave_nothing(desk, record, owner, monkeypatch):
    upload(desk, record)
    [row] = attached(record)
    upload(desk, record, b"MZ...", "a.exe")
    assert StoredFile.objects.count() == 1
    desk.post(f"/files/{row.pk}/remove/")
    assert care.sweep_removed() == 0
    later = clock.now() + attach.KEPT * 1.1
    monkeypatch.setattr(clock, "now", lambda: later)
    assert care.sweep_removed() == 1
    row.refresh_from_db()
    assert (row.file_id, row.removed_at is not None, StoredFile.objects.count()) == (None, True, 0)
    back = factories.sign_in(Client(), owner)
    assert back.post(f"/files/{row.pk}/restore/").status_code == 404


def test_a_body_whose_process_died_before_it_was_hung_on_anything_goes(owner, monkeypatch):
    stored = store.keep(b"lost", "a.txt", by=owner)
    assert store.sweep() == 0
    later = clock.now() + store.UNUSED_AFTER * 1.1
    monkeypatch.setattr(clock, "now", lambda: later)
    assert store.sweep() == 1
    assert not store.path_of(stored.place).exists()


# Hostile names and contents


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\合同.pdf", "合同.pdf"),
        ("a\0b.txt", "ab.txt"),
        ("合同\u202efdp.exe", "合同fdp.exe"),
        ('a<b>:"|?*.txt', "a_b______.txt"),
        ("...", "未命名"),
        ("", "未命名"),
        ("长" * 300 + ".docx", "长" * 115 + ".docx"),
        ("\ud800x.txt", "x.txt"),
    ],
)
def test_names_are_made_harmless(given, kept):
    assert kinds.tidy_name(given) == kept


@given(st.text(max_size=400))
def test_any_name_becomes_a_name(name):
    tidy = kinds.tidy_name(name)
    assert 0 < len(tidy) <= kinds.NAME_LENGTH
    assert kinds.tidy_name(tidy) == tidy
    assert not set(tidy) & set('/\\<>:"|?*\0\u202e\n')


@pytest.mark.parametrize(
    ("name", "body", "kept", "media", "note"),
    [
        ("a.pdf", pdf(), "a.pdf", "application/pdf", ""),
        ("a.pdf", photo(), "a.pdf.jpg", "image/jpeg", "扩展名写的是 .pdf，内容是JPEG 图片。"),
        ("图", photo(form="PNG"), "图.png", "image/png", "没有扩展名，内容是PNG 图片。"),
        ("a.txt", "文".encode("gb18030"), "a.txt", "text/plain", ""),
        ("a.svg", b"<?xml version='1.0'?><svg onload='x()'/>", "a.svg", "image/svg+xml", ""),
        ("a.png", b"<html><script>x()</script>", "a.png.html", "text/html", "扩展名写的是 .png，内容是网页。"),
        ("a.html", "<HTML>".encode("utf-16"), "a.html", "text/html", ""),
        ("a.dwg", b"AC1032\0\0\1\2", "a.dwg", "application/octet-stream", ""),
        ("a.amr", b"#!AMR\n\1\2", "a.amr", "audio/amr", ""),
    ],
)
def test_a_file_is_what_its_content_says(name, body, kept, media, note):
    kind, kept_as, said = kinds.look(io.BytesIO(body), name)
    assert (kept_as, kind.media, said) == (kept, media, note)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("合同.pdf", b"MZ\x90\0"), ("a", b"\x7fELF"), ("run.txt", b"#!/bin/sh\nrm"), ("a.bat", b"del *"),
        ("a.js", b"x()"), ("a.zip", b"PK\x03\x04....AndroidManifest.xml"), ("照片.jpg.lnk", b"L"), ("a.txt", b""),
    ],
)  # fmt: skip
def test_programs_scripts_and_empty_files_are_refused_in_a_sentence(desk, record, name, body):
    answer = upload(desk, record, body, name)
    assert answer.status_code == 422
    assert said(answer)["message"].startswith(f"「{name}」是")
    assert attached(record) == []


def test_a_picture_that_would_unfold_to_a_monster_is_refused(desk, record):
    bomb = bytearray(photo(form="PNG"))
    bomb[16:24] = (30_000).to_bytes(4, "big") * 2  # the header says 30,000 x 30,000
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    assert "超过 10,000 万像素" in said(upload(desk, record, bytes(bomb), "a.png"))["message"]


def test_too_large_is_told_with_its_limit(desk, record, settings, folder):
    settings.ATTACHMENT_MB = 1
    assert "超过 1 MB" in said(upload(desk, record, b"x" * (1 << 20) + b"y", "a.txt"))["message"]
    assert [p for p in folder.rglob("*") if p.is_file()] == []


# Previews


def test_a_pdf_is_shown_as_pictures_and_its_script_nowhere(desk, record):
    upload(desk, record, pdf("app.alert(1)", pages=23), "a.pdf")
    [row] = attached(record)
    dialog = desk.get(f"/files/{row.pk}/preview/").content.decode()
    assert 'data-pages="20"' in dialog
    assert "共 23 页，只看前 20 页" in dialog
    answer = desk.get(f"/files/{row.pk}/preview/19/")
    assert answer["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (800, 400)
    assert b"JavaScript" not in answer.content
    assert desk.get(f"/files/{row.pk}/preview/20/").status_code == 404


def test_a_photo_is_shown_upright_small_and_without_its_exif(desk, record):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SecretCamera"
    upload(desk, record, photo((3000, 1000), exif=exif), "a.jpg")
    [row] = attached(record)
    shown = desk.get(f"/files/{row.pk}/preview/0/")
    picture = Image.open(io.BytesIO(shown.content))
    assert (picture.size, dict(picture.getexif())) == ((533, 1600), {})
    assert b"SecretCamera" not in shown.content


@pytest.mark.parametrize(
    ("name", "body"),
    [("a.svg", b"<svg onload='x()'/>"), ("a.html", b"<html><script>x()"), ("a.pdf", b"%PDF-1.7 broken")],
)
def test_what_cannot_be_shown_safely_is_not_shown(desk, record, name, body):
    upload(desk, record, body, name)
    [row] = attached(record)
    assert desk.get(f"/files/{row.pk}/preview/0/").status_code == 404
    dialog = desk.get(f"/files/{row.pk}/preview/").content.decode()
    assert "下载后打开" in dialog
    assert "onload" not in dialog
    assert desk.get(f"/files/{row.pk}/")["Content-Type"] == "application/octet-stream"


def test_drawing_that_takes_too_long_is_ended(desk, record, monkeypatch):
    upload(desk, record, pdf(), "a.pdf")
    [row] = attached(record)
    monkeypatch.setattr(previews, "SECONDS", 0.001)
    assert desk.get(f"/files/{row.pk}/preview/0/").status_code == 404
    assert "太久，已停下" in desk.get(f"/files/{row.pk}/preview/").content.decode()


def test_a_page_of_a_record_asks_two_questions_for_its_files_however_many(desk, record):
    asked = []
    for many in (1, 4):
        for n in range(many):
            upload(desk, record, f"{many} {n}".encode(), f"{n}.txt")
        with CaptureQueriesContext(connection) as queries:
            desk.get(f"/files/{KIND}/{record.pk}/")
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_looking_at_a_filed_file_is_noted(desk, record):
    upload(desk, record, photo(), "a.jpg")
    [row] = attached(record)
    desk.get(f"/files/{row.pk}/preview/")
    assert not Run.objects.filter(action="file.preview").exists()
    desk.post(f"/files/{row.pk}/file/")
    desk.get(f"/files/{row.pk}/preview/")
    assert Run.objects.filter(action="file.preview").count() == 1


def test_every_kind_of_record_has_the_tab(desk):
    boss = factories.person("全知", position_=factories.position("全知岗", people_view="all", people_manage="all"))
    client = factories.sign_in(Client(), boss)
    made = factories.unit("试用组")
    assert 'id="panel-files"' in client.get(f"/people/unit/{made.pk}/").content.decode()
    assert attach.VERBS.keys() == site().resources.keys()


def test_who_waits_too_long_for_a_picture_gives_the_thread_back(desk, record, monkeypatch):
    upload(desk, record, photo(), "a.jpg")
    [row] = attached(record)
    monkeypatch.setattr(previews, "PATIENCE", 0)
    monkeypatch.setattr(previews, "_few", BoundedSemaphore(1))
    with previews._few:
        assert desk.get(f"/files/{row.pk}/preview/0/").status_code == 404
    assert desk.get(f"/files/{row.pk}/preview/0/").status_code == 200
