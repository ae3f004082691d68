"""The chain: the log shows old and new value, and a row altered behind its back is named (C-DATA-10)."""

import re
import time

import pytest
from django.test import Client

from neiqin.kernel.actions import seals
from neiqin.kernel.actions.models import Change
from neiqin.kernel.people.actors import actor_of
from tests import factories
from tests.audit.conftest import make_office


@pytest.fixture
def office(own_database):
    return make_office()


@pytest.mark.clause("C-DATA-10")
def test_a_changed_limit_is_in_the_log_and_an_altered_row_breaks_the_chain_there(office, superuser_connection):
    record = factories.customer(actor_of(office.ann.pk), "无锡梁清水泵制造有限公司", credit_limit="100000")
    rep, auditor = factories.sign_in(Client(), office.ann), factories.sign_in(Client(), office.auditor)
    saved = rep.post(
        f"/customers/customer/{record.pk}/edit/",
        {"credit_limit": "150000", "partial": "1", "version": "1", "request_key": "c1"},
    )
    assert saved.status_code == 302
    page = auditor.get(f"/log/?q={record.number}&action=customers.customer.edit").text
    row = re.sub(r"<[^>]+>", "", re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL)[0])
    assert "周启明" in row
    assert "127.0.0.1" in row
    assert re.search(r"信用额度\s*100,000\.00 → 150,000\.00", row)

    seal_everything()
    assert seals.verify()["ok"]
    assert "道封条" in auditor.get("/log/").text
    change = Change.objects.filter(tbl="customers_customer", row_id=record.pk, op="U").order_by("-id")[0]
    with pytest.raises(Exception, match="append-only"):
        superuser_connection.execute("UPDATE actions_change SET after = '{}' WHERE id = %s", [change.pk])
    superuser_connection.execute("SET session_replication_role = replica")
    superuser_connection.execute(
        "UPDATE actions_change SET after = replace(after::text, '150000', '100000')::json WHERE id = %s", [change.pk]
    )
    report = seals.verify()
    assert not report["ok"]
    assert [(p["table"], p["id"], p["problem"]) for p in report["problems"]] == [
        ("actions_change", change.pk, "封存之后被改过。")
    ]


def test_unsealed_rows_are_counted_in_the_head_of_the_log(office):
    assert (log_state().number, log_state().at) == (0, None)
    seal_everything()  # what the installation itself wrote, some time ago
    before = log_state()
    factories.customer(actor_of(office.ann.pk))
    state = log_state()
    assert (state.number, state.late) == (before.number, False)
    assert int(state.unsealed) > 0
    seal_everything()
    state = log_state()
    assert (state.number > before.number, state.unsealed) == (True, "0")


def seal_everything():
    """A seal never passes a running transaction, also not one of another test in the same cluster: wait for it."""
    until = time.monotonic() + 60
    while log_state().unsealed != "0":
        seals.seal()
        assert time.monotonic() < until, "a transaction kept the history from being sealed"
        time.sleep(0.02)


def log_state():
    """What the head of the log says of the chain."""
    from neiqin.kernel.resources import log

    return log.seal_state()
