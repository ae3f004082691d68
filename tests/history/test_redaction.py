"""A person's words taken out of history: the seals still prove the rest, and every other change is still named."""

import json

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from neiqin.kernel.actions import seals
from neiqin.kernel.actions.models import Change, Redaction
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers.actions import edit
from neiqin.modules.privacy import clearing
from tests import factories
from tests.history.conftest import seal_everything

NAME, PHONE = "欧阳芷兰", "13912345678"


@pytest.fixture
def cleared(own_database, settings, tmp_path):
    """A customer whose remark named its contact, all of it sealed; then the contact was cleared, and sealed again."""
    settings.ERASED = tmp_path / "erased"
    made = factories.customer(contacts=[{"name": NAME, "mobile": PHONE}], remark=f"找{NAME} {PHONE}")
    assert perform(edit, [made.pk], by=SYSTEM, params={"remark": f"{NAME}要涨价"}).done
    seal_everything()
    params = {"contact": made.contacts.get().pk, "address": 0, "reason": "asked"}
    assert perform(clearing.clear, [made.pk], by=SYSTEM, params=params).done
    seal_everything()
    return made


def said(customer):
    rows = Change.objects.filter(tbl="customers_customer", row_id=customer.pk, after__isnull=False).order_by("id")
    return [after["remark"] for after in rows.values_list("after", flat=True) if "remark" in after]


def test_the_words_are_gone_and_the_rest_of_the_row_stands(cleared):
    assert said(cleared) == ["找某联系人 某联系人", "某联系人要涨价", "某联系人要涨价"], (
        "the last is the clearing's own"
    )
    made = Change.objects.get(tbl="customers_customer", row_id=cleared.pk, op="I")
    assert made.after["name"] == cleared.name


def test_history_verifies_and_tells_how_many_rows_lost_words(cleared):
    found = seals.verify()
    assert (found["ok"], found["problems"]) == (True, [])
    assert found["redacted"] == 3, "two changes and what a run was asked for; the clearing's own were sealed without"


def test_a_redacted_row_changed_once_more_is_named(cleared, forced):
    (row, *_) = Redaction.objects.filter(table="actions_change").order_by("row").values_list("row", flat=True)
    forced('UPDATE actions_change SET after = \'{"remark": "x"}\' WHERE id = %s', [row])
    assert {(p["table"], p["id"]) for p in seals.verify()["problems"]} == {("actions_change", row)}


def test_a_redaction_that_history_does_not_know_excuses_nothing(cleared, forced):
    row = Change.objects.filter(tbl="customers_contact").order_by("id").values_list("pk", flat=True)[0]
    forced("UPDATE actions_change SET op = 'D' WHERE id = %s", [row])
    ((table, _, digest),) = seals.digests_of([("actions_change", row)])
    forced('INSERT INTO actions_redaction ("table", "row", digest) VALUES (%s, %s, %s)', [table, row, digest.hex()])
    assert {(p["table"], p["id"]) for p in seals.verify()["problems"]} == {("actions_change", row)}


def test_the_application_can_neither_change_history_by_hand_nor_take_out_a_single_letter(cleared, as_role):
    app = as_role()
    app.execute("SELECT set_config('neiqin.redacting', 'on', false)")
    with pytest.raises(Exception, match="permission denied"):
        app.execute("UPDATE actions_change SET after = NULL")
    with pytest.raises(Exception, match="less than two"):
        app.execute("SELECT * FROM kernel_redact('{a}', 'x', '{1}', '{}', '{}')")
    with pytest.raises(Exception, match=r"permission denied|refused"):
        app.execute("DELETE FROM actions_redaction")


TEXTS = st.text('ab兰13"\\/ ', max_size=8)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def without(value, words, mark):
    """The same in Python."""
    if isinstance(value, str):
        for word in words:
            value = value.replace(word, mark)
        return value
    if isinstance(value, list):
        return [without(v, words, mark) for v in value]
    return {k: without(v, words, mark) for k, v in value.items()} if isinstance(value, dict) else value


@pytest.mark.django_db
@given(VALUES, st.lists(st.text('ab兰13"', min_size=2, max_size=3), min_size=1, max_size=3))
def test_words_go_out_of_texts_wherever_they_stand_and_out_of_nothing_else(value, words):
    with connection.cursor() as cursor:
        cursor.execute("SELECT kernel_without(%s, %s::text[], '某')::text", [Jsonb(value), words])
        assert json.loads(cursor.fetchone()[0]) == without(value, words, "某")
