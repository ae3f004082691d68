"""Several hands at one import at the same moment, with real commits: nothing twice, nothing lost, true counts."""

import threading
from functools import partial
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client

from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.exchange import exporting, working
from neiqin.kernel.exchange.models import CHECKING, UNDOING, WRITING, Import
from neiqin.kernel.files.models import StoredFile
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.resources import finding
from neiqin.kernel.resources.resource import site
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Contact, Customer
from tests import factories
from tests.exchange.test_import import RIGHTS, counts, do, good, upload, workbook
from tests.faults.threads import at_once

KIND = "customers.customer"
ROWS = 900  # three parts


@pytest.fixture
def office(own_database, settings, tmp_path):
    settings.FILES = tmp_path
    clerk = factories.person("林知夏", position_=factories.rep_position("own", **RIGHTS))
    return SimpleNamespace(clerk=clerk, web=factories.sign_in(Client(), clerk))


def window(office) -> Client:
    """One more window of the same person."""
    return factories.sign_in(Client(), office.clerk)


def post(office, imp, what, **data):
    """One click in a window of its own, to be done at the same moment as others."""
    return partial(window(office).post, f"/imports/{imp.pk}/{what}/", data)


def all_counts(imp) -> dict[str, int]:
    imp.refresh_from_db()
    return counts(imp)


def waiting() -> int:
    """Jobs that wait to be done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
        return cursor.fetchone()[0]


def none_twice(n: int) -> None:
    assert Customer.objects.count() == Customer.objects.values("name_key").distinct().count() == n
    assert Contact.objects.count() == n
    assert sorted(int(x[2:]) for x in Customer.objects.values_list("number", flat=True)) == list(range(1, n + 1))


def test_start_clicked_twice_writes_once(office):
    imp = upload(office.web, workbook([good(n) for n in range(1, 11)]))
    at_once(*(post(office, imp, "start") for _ in range(4)))
    assert waiting() == 1
    drain()
    assert all_counts(imp) == {"new": 10, "update": 0, "skip": 0, "bad": 0}
    none_twice(10)
    assert Event.objects.filter(name=f"{KIND}.created").count() == 10


def test_two_jobs_at_the_same_import_do_it_once(office, monkeypatch):
    monkeypatch.setattr(working, "PART", 400)
    rows = [good(n) for n in range(1, ROWS + 1)]
    rows[5] = (*rows[5][:2], "12", *rows[5][3:])
    imp = upload(office.web, workbook(rows))
    truth = {"new": ROWS - 1, "update": 0, "skip": 0, "bad": 1}

    def twice(state: str) -> None:
        Import.objects.filter(pk=imp.pk).update(state=state, done=0)
        at_once(*(partial(working.work, import_id=imp.pk) for _ in range(2)))
        imp.refresh_from_db()

    twice(CHECKING)
    assert (imp.state, counts(imp)) == ("ready", truth)
    assert [p.n for p in imp.parts.order_by("n")] == [0, 1, 2]
    twice(WRITING)
    assert (imp.state, counts(imp)) == ("done", truth)
    none_twice(ROWS - 1)
    assert Run.objects.filter(request_key__startswith=f"import-{imp.pk}-").count() == 3
    twice(UNDOING)
    assert (imp.state, imp.counts["left"]) == ("undone", 0)
    assert not Customer.objects.exists()
    assert not Contact.objects.exists()


def test_undo_clicked_while_another_undo_runs_takes_everything_back_once(office):
    imp = do(office.web, upload(office.web, workbook([good(n) for n in range(1, ROWS + 1)])), "start")
    at_once(post(office, imp, "undo"), post(office, imp, "undo"))
    assert waiting() == 1
    said = at_once(drain, post(office, imp, "undo"), post(office, imp, "stop"), post(office, imp, "start"))
    assert [a.status_code for a in said[1:]] == [302] * 3
    drain()
    imp.refresh_from_db()
    assert (imp.state, imp.counts["left"]) == ("undone", 0)
    assert not Customer.objects.exists()
    assert Event.objects.filter(name=f"{KIND}.withdrawn").count() == ROWS


def test_two_windows_start_the_same_file_and_it_is_in_once(office):
    body = workbook([good(n) for n in range(1, 11)])
    first, second = upload(office.web, body), upload(office.web, body)
    at_once(post(office, first, "start"), post(office, second, "start"))
    drain()
    none_twice(10)
    states = sorted(Import.objects.values_list("state", flat=True))
    assert states == ["done", "ready"]


def test_what_came_in_after_the_check_is_not_made_twice(office):
    rows = [good(n) for n in range(1, 11)]
    mine, other = upload(office.web, workbook(rows)), upload(office.web, workbook(rows[2:]))
    other = do(office.web, other, "start")
    mine = do(office.web, mine, "start")
    assert counts(mine) == {"new": 2, "update": 0, "skip": 8, "bad": 0}
    none_twice(10)
    mine = do(office.web, mine, "undo")
    assert Customer.objects.count() == 8


def test_two_people_importing_the_same_new_customers_at_once_make_each_once(office):
    heads = ("客户名称", "统一社会信用代码", "联系人", "手机")
    rows = [(f"苏州第{n:03}精密机械有限公司", uscc(n), f"王{n}", f"138{n:08}") for n in range(1, 31)]
    bob = factories.person("何雨桐", position_=factories.rep_position("own", **RIGHTS))
    ann = upload(office.web, workbook(rows, heads))
    bobs = upload(factories.sign_in(Client(), bob), workbook(rows[::-1], heads))
    assert (counts(ann)["new"], counts(bobs)["new"]) == (30, 30)
    Import.objects.update(state=WRITING, done=0)
    at_once(partial(working.work, import_id=ann.pk), partial(working.work, import_id=bobs.pk))
    assert Customer.objects.count() == Contact.objects.count() == 30
    assert Customer.objects.values("uscc").distinct().count() == 30
    for imp, person in ((ann, office.clerk), (bobs, bob)):
        made = Customer.objects.filter(owner_id=person.pk).count()
        assert all_counts(imp)["new"] == made
        assert sum(counts(imp).values()) == 30
        assert imp.state == "done"


def uscc(n: int) -> str:
    """A registry code with its check character (GB 32100-2015)."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"91320500MA1{n:06}"
    return body + signs[(31 - sum(signs.index(c) * 3**i % 31 for i, c in enumerate(body)) % 31) % 31]


def test_two_cells_mended_in_two_windows_are_both_mended_and_counted(office):
    rows = [(*good(n)[:2], "12", *good(n)[3:]) for n in range(1, 5)]
    imp = upload(office.web, workbook(rows))
    clicks = [post(office, imp, "cell", part=0, n=n, row=0, column=2, value=f"1380000000{n}") for n in range(len(rows))]
    assert [a.status_code for a in at_once(*clicks)] == [200] * 4
    assert all_counts(imp) == {"new": 4, "update": 0, "skip": 0, "bad": 0}
    assert imp.totals["credit_limit"]["new"] == "4000.00"


def test_a_cell_mended_while_it_is_written_is_refused(office, monkeypatch):
    """The window was opened before the import was started."""
    imp = upload(office.web, workbook([good(1), (*good(2)[:2], "12", *good(2)[3:])]))
    seen = Import.objects.select_related("file").get(pk=imp.pk)
    do(office.web, imp, "start")
    monkeypatch.setattr("neiqin.kernel.exchange.pages._mine", lambda request, import_id: seen)
    change = {"part": 0, "n": 0, "row": 0, "column": 0, "value": "另一个名字有限公司"}
    assert office.web.post(f"/imports/{imp.pk}/cell/", change).status_code == 404
    monkeypatch.undo()
    assert all_counts(imp) == {"new": 1, "update": 0, "skip": 0, "bad": 1}
    assert do(office.web, imp, "undo").counts["left"] == 0
    assert not Customer.objects.exists()


def test_what_was_started_meanwhile_is_not_thrown_away(office, monkeypatch):
    imp = upload(office.web, workbook([good(1)]))
    seen = Import.objects.select_related("file").get(pk=imp.pk)
    do(office.web, imp, "start")
    monkeypatch.setattr("neiqin.kernel.exchange.pages._mine", lambda request, import_id: seen)
    office.web.post(f"/imports/{imp.pk}/discard/")
    assert Import.objects.get(pk=imp.pk).state == "done"
    assert StoredFile.objects.filter(pk=imp.file_id).exists()


def test_an_export_while_rows_change_has_every_row_that_was_there_once(office, monkeypatch):
    monkeypatch.setattr(exporting, "PAGE", 20)
    clerk = actor_of(office.clerk.pk)
    rows = [factories.customer_row(f"苏州第{n:03}精密机械有限公司") for n in range(200)]
    there = perform(actions.create, by=clerk, rows=rows).done
    stop = threading.Event()

    def meanwhile() -> int:
        done = 0
        while not stop.is_set():
            record = there[(done * 37) % len(there)]
            perform(actions.edit, [record], by=clerk, params={"name": f"改名{done:05}有限公司"})
            perform(actions.create, by=clerk, rows=[factories.customer_row()])
            done += 1
        return done

    def export() -> list[int]:
        try:
            resource = site().resources[KIND]
            field = resource.fields_for(clerk)["number"]
            with exporting._snapshot():
                return [i for ids, _ in exporting.pages(resource, clerk, "sort=number", [field]) for i in ids]
        finally:
            stop.set()

    changed, found = at_once(meanwhile, export)
    assert changed > 0
    assert len(found) == len(set(found))
    assert set(there) <= set(found)


def test_a_long_export_of_what_was_searched_holds_up_nobody(office):
    """A record the index does not know yet comes while the export reads: another search indexes it at once."""
    clerk = actor_of(office.clerk.pk)
    resource = site().resources[KIND]
    perform(actions.create, by=clerk, rows=[factories.customer_row(f"苏州第{n:03}精密机械有限公司") for n in range(40)])
    field = resource.fields_for(clerk)["number"]

    def others() -> int:
        perform(actions.create, by=clerk, rows=[factories.customer_row("常州精密轴承有限公司")])
        finding.catch_up([resource])
        return finding.newest(resource, clerk, "精密", 100)[1] or 0

    with exporting._snapshot():
        found = [i for ids, _ in exporting.pages(resource, clerk, "q=精密", [field]) for i in ids]
        assert at_once(others, seconds=20) == [41]
    assert found == []  # nothing was indexed when it began; `make` has the index caught up right before
    data = {"kind": KIND, "q": "q=精密", "width": "shown", "format": "csv", "purpose": "核对"}
    assert office.web.post("/exports/new/", data).status_code == 302
    drain()
    assert exporting.Export.objects.get().done == 41
