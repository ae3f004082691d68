"""Two people at one file at the same time, with real commits."""

import os
import time
from functools import partial
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from neiqin.kernel.exchange.plans import plan_of
from neiqin.kernel.exchange.undoing import _stood_on
from neiqin.kernel.files import attach, pages, store
from neiqin.kernel.files.models import Attachment, StoredFile
from neiqin.kernel.resources.resource import site
from neiqin.modules.customers.models import Customer
from tests import factories
from tests.faults.threads import at_once

KIND = "customers.customer"


@pytest.fixture
def office(own_database, settings, tmp_path):
    settings.FILES = tmp_path
    owner = factories.actor("周启明")
    record = factories.customer(owner)
    return SimpleNamespace(owner=owner, record=record, resource=site().resources[KIND], folder=tmp_path)


def add(office, body, **more):
    given = SimpleUploadedFile("合同.txt", body)
    return pages.take(given, office.resource, office.record.pk, by=office.owner, source="web", **more)


def rows():
    return list(Attachment.objects.order_by("id"))


def test_two_new_versions_at_once_are_numbered_one_after_the_other(office):
    assert add(office, b"first") is None
    [first] = rows()
    said = at_once(*(lambda n=n: add(office, f"new {n}".encode(), of=str(first.group)) for n in range(4)))
    assert said == [None] * 4
    assert sorted(r.number for r in rows()) == [1, 2, 3, 4, 5]


def test_the_same_file_from_two_windows_is_kept_once(office):
    said = at_once(*(lambda: add(office, b"same") for _ in range(4)))
    assert sum(s is None for s in said) == 1
    assert {s.code for s in said if s} == {"same"}
    assert (len(rows()), StoredFile.objects.count()) == (1, 1)
    assert len([p for p in office.folder.rglob("*") if p.is_file()]) == 1


def test_filing_and_removing_at_once_leave_one_of_both(office):
    for n in range(5):
        assert add(office, f"{n}".encode()) is None
        row = rows()[-1]
        given = (office.resource, office.record.pk, {"attachment": row.pk})
        said = at_once(*(partial(pages._perform, verb, *given, by=office.owner) for verb in ("file", "remove")))
        row.refresh_from_db()
        assert sum(s is None for s in said) == 1
        assert (row.filed_at is None) != (row.removed_at is None)


def test_a_kill_between_body_and_row_leaves_only_what_the_sweep_takes(office, monkeypatch):
    def killed(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(StoredFile.objects, "create", killed)
    with pytest.raises(KeyboardInterrupt):
        add(office, b"half")
    monkeypatch.undo()
    assert (rows(), StoredFile.objects.count()) == ([], 0)
    [body] = [p for p in office.folder.rglob("*") if p.is_file()]
    assert store.sweep() == 0
    os.utime(body, (time.time() - 2 * 86400,) * 2)
    assert store.sweep() == 1
    assert not body.exists()


def test_undoing_an_import_stops_where_a_filed_file_hangs(office):
    assert add(office, b"x") is None
    plan = plan_of(office.resource)
    assert _stood_on(plan, [office.record.pk]) == {}
    attached = {"attachment": rows()[0].pk}
    assert pages._perform("file", office.resource, office.record.pk, attached, by=office.owner) is None
    assert attach.filed_on(KIND, [office.record.pk]) == {office.record.pk}
    assert _stood_on(plan, [office.record.pk])[office.record.pk].text == "上面有归档的附件，没有撤销。"
    assert Customer.objects.filter(pk=office.record.pk).exists()
