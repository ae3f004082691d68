"""What other rooms tell: deadlines near, over and moved; imports and exports that took long."""

from datetime import UTC, datetime, timedelta

import pytest

from neiqin.kernel import clock
from neiqin.kernel.deadlines import telling, watch
from neiqin.kernel.deadlines.models import Clock, Moved
from neiqin.kernel.exchange import telling as finished
from neiqin.kernel.exchange import working
from neiqin.kernel.exchange.models import Export, Import
from neiqin.kernel.files import store
from neiqin.kernel.notices import tell
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.models import Unit
from neiqin.kernel.people.scope import SYSTEM
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 2, 42, tzinfo=UTC)
DUE = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


def reminder(share, person, record, unit=None, due=DUE):
    return watch.Reminder(1, "stranger.give_back", "归还样品", "stranger.sample", record, share, due, person, unit, 5)


def told(person):
    rows = Notice.objects.filter(person_id=person).order_by("id")
    return list(rows.values_list("title", "text", "url", "urgent"))


def test_the_responsible_person_is_reminded_and_the_head_of_the_unit_once_it_is_over():
    head = factories.person("主管")
    unit = head.unit
    Unit.objects.filter(pk=unit.pk).update(leader=head)
    sample = factories.MAKERS["stranger.sample"]()
    ann, url = sample.owner_id, f"/stranger/sample/{sample.pk}/"
    for share in (0.5, 1.0, 1.5):
        telling.of_reminders([reminder(share, ann, sample.pk, unit.pk)])
    assert told(ann) == [
        ("归还样品时间用了 50%：样品轴承", "期限 11-20 14:00。", url, False),
        ("归还样品到期了：样品轴承", "期限 11-20 14:00。", url, True),
        ("归还样品超时：样品轴承", "期限 11-20 14:00。", url, True),
    ]
    assert told(head.pk) == told(ann)[2:]


def test_a_reminder_is_told_once_and_again_only_when_the_moment_has_moved():
    sample = factories.MAKERS["stranger.sample"]()
    for due in (DUE, DUE, DUE + timedelta(days=1)):
        telling.of_reminders([reminder(1.0, sample.owner_id, sample.pk, due=due)])
    assert [text for _, text, _, _ in told(sample.owner_id)] == ["期限 11-20 14:00。", "期限 11-21 14:00。"]


def test_deadlines_that_moved_are_told_to_each_in_one_notice():
    sample = factories.MAKERS["stranger.sample"]()
    rows = [
        Clock(kind="stranger.give_back", model="stranger.sample", record_id=sample.pk, started_at=NOW, due_at=DUE)
        for _ in range(7)
    ]
    person = sample.owner_id
    moved = [Moved(run_id=9, at=NOW, clock=c, old_due=NOW, new_due=DUE, person_id=person) for c in rows]
    telling.of_moved([*moved, Moved(run_id=9, at=NOW, clock=rows[0], old_due=NOW, new_due=DUE, person_id=None)])
    ((title, text, _, urgent),) = told(sample.owner_id)
    assert title == "7 个期限随日历移动了"
    assert text == "；".join(["归还样品 样品轴承 改到 11-20 14:00"] * 5) + "，还有 2 个。"
    assert not urgent


def test_the_rooms_are_plugged_in():
    tell.kinds()
    assert telling.of_reminders in watch.LISTENERS
    assert telling.of_moved in watch.TOLD


def test_a_long_export_is_told_and_a_short_one_not():
    ann = factories.actor()
    common = {"resource": "customers.customer", "person_id": ann.id, "form": "csv", "query": "", "columns": []}
    for waited in (5, 30):
        export = Export.objects.create(**common, created_at=NOW - timedelta(seconds=waited))
        finished.of_export(export, "客户 12,000 家")
    assert told(ann.id) == [("导出的文件好了", "客户 12,000 家。文件保留 7 天。", "/exports/", False)]


def test_work_on_an_import_counts_its_own_time(settings, tmp_path, monkeypatch):
    settings.FILES = tmp_path
    kept = store.keep(b"name", "客户.csv", by=SYSTEM)
    for seconds in (5, 30):
        imp = Import.objects.create(
            resource="customers.customer", person_id=factories.actor().id, file=kept, mode="new", created_at=NOW
        )
        moment = [NOW]
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment[0])

        def read(imp, moment=moment, seconds=seconds):
            moment[0] += timedelta(seconds=seconds)
            Import.objects.filter(pk=imp.pk).update(state="mapping")

        monkeypatch.setitem(working.STEPS, "reading", read)
        working.work(import_id=imp.pk)
        assert [t for t, *_ in told(imp.person_id)] == (["导入客户等你对列"] if seconds == 30 else [])


def test_a_long_import_says_what_it_waits_for(settings, tmp_path):
    settings.FILES = tmp_path
    ann = factories.actor()
    kept = store.keep(b"name", "客户.csv", by=SYSTEM)
    imp = Import.objects.create(
        resource="customers.customer", person_id=ann.id, file=kept, mode="new", created_at=NOW, state="ready"
    )
    finished.of_import(imp, "检查完了，等你决定")
    assert told(ann.id) == [("导入客户检查完了，等你决定", "客户.csv", f"/imports/{imp.pk}/", False)]
