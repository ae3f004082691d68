"""An import killed at random moments goes on where it was, or is undone; nothing twice, nothing lost, equal sums."""

import random
import signal
import subprocess
from decimal import Decimal

import pytest
from django.db.models import Count, Sum
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.exchange import working
from neiqin.kernel.exchange.models import CHECKING, UNDOING, WRITING, Import
from neiqin.kernel.files import store
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.customers.models import Contact, Customer
from tests import factories
from tests.exchange.test_import import RIGHTS, counts, good, workbook
from tests.platform.test_up import until

ROWS, PART = 2000, 100


@pytest.fixture
def killed(nursery, own_database, tmp_path):
    """A function that works on an import in a process of its own and kills it after so many seconds; False if it was
    done before."""
    log = tmp_path / "log"

    def kill(imp: Import, seconds: float) -> bool:
        log.unlink(missing_ok=True)
        work = nursery.start("tests.exchange.work:work", imp.pk, str(tmp_path), PART, database=own_database, log=log)
        assert until(lambda: log.exists() and log.read_text() == "at work\n")
        try:
            code = work.wait(seconds)
        except subprocess.TimeoutExpired:
            work.kill()
            return work.wait() == -signal.SIGKILL
        assert code == 0, log.read_text()
        return False

    return kill


@pytest.mark.platform
def test_an_import_killed_at_ten_random_moments_resumes_and_is_undone(killed, settings, tmp_path, monkeypatch):
    settings.FILES = tmp_path
    monkeypatch.setattr(working, "PART", PART)
    clerk = factories.person("林知夏", position_=factories.rep_position("own", **RIGHTS))
    rows = [good(n) for n in range(1, ROWS + 1)]
    for at in (5, 700, 1999):
        rows[at] = (*rows[at][:2], "12", *rows[at][3:])
    rows.append(("合计", "", "", str(ROWS * 1000), ""))
    stored = store.keep(workbook(rows), "客户.xlsx", by=actor_of(clerk.pk))
    imp = Import.objects.create(resource="customers.customer", person_id=clerk.pk, file=stored, created_at=clock.now())
    chance = random.Random(20261126)

    def through(state: str, kills: int) -> int:
        Import.objects.filter(pk=imp.pk).update(state=state, done=0)
        died = sum(killed(imp, chance.uniform(0.02, 0.25)) for _ in range(kills))
        working.work(import_id=imp.pk)
        imp.refresh_from_db()
        return died

    working.work(import_id=imp.pk)
    imp.refresh_from_db()
    assert imp.state == "ready"
    assert through(CHECKING, 2) == 2
    expected = {"new": ROWS - 3, "update": 0, "skip": 0, "bad": 3}
    money = {"new": f"{(ROWS - 3) * 1000}.00", "bad": "3000.00", "update": "0", "skip": "0", "file": str(ROWS * 1000)}
    assert (imp.state, counts(imp), imp.totals["credit_limit"]) == ("ready", expected, money)

    assert through(WRITING, 5) == 5
    assert (imp.state, counts(imp), imp.totals["credit_limit"]) == ("done", expected, money)
    assert Customer.objects.count() == Contact.objects.count() == ROWS - 3
    assert not Customer.objects.values("name_key").annotate(n=Count("pk")).filter(n__gt=1).exists()
    assert Customer.objects.aggregate(s=Sum("credit_limit"))["s"] == Decimal((ROWS - 3) * 1000)
    assert Event.objects.filter(name="customers.customer.created").count() == ROWS - 3
    assert Run.objects.filter(request_key__startswith=f"import-{imp.pk}-").count() == ROWS // PART
    numbers = sorted(int(n[2:]) for n in Customer.objects.values_list("number", flat=True))
    assert numbers == list(range(1, ROWS - 2))

    assert through(UNDOING, 3) == 3
    assert (imp.state, imp.counts["left"]) == ("undone", 0)
    assert not Customer.objects.exists()
    assert not Contact.objects.exists()
    page = factories.sign_in(Client(), clerk).get(f"/imports/{imp.pk}/").content.decode()
    assert f"已经撤销，{ROWS - 3:,} 家退回原样" in page
