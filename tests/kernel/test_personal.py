"""Personal columns: sealed for one subject and one column, found only whole, gone for good once erased."""

from uuid import UUID, uuid4

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.personal import keys as k
from neiqin.kernel.personal.columns import HIDDEN, PersonalText, Sealed, open_columns, seal_columns, subject_field
from neiqin.kernel.personal.models import BlindIndex, PersonalKey

ANN, BO = UUID(int=1), UUID(int=2)
MOBILE = "contact.mobile"


def held(*subjects: UUID) -> k.Keys:
    """Keys as if read from the database."""
    return k.Keys({subject: k._wrap(subject, bytes(range(32))) for subject in subjects})


@given(st.text(max_size=200))
def test_what_is_sealed_opens_again_and_never_looks_the_same_twice(text):
    keys = held(ANN)
    first, second = keys.seal(ANN, MOBILE, text), keys.seal(ANN, MOBILE, text)
    assert keys.open(ANN, MOBILE, first) == keys.open(ANN, MOBILE, second) == text
    assert text == "" or first != second
    assert text == "" or len(first) == len(text.encode()) + k.OVERHEAD


def test_a_value_cannot_be_moved_to_another_person_or_column():
    keys = held(ANN, BO)
    sealed = keys.seal(ANN, MOBILE, "13800138000")
    for subject, kind in ((BO, MOBILE), (ANN, "contact.email")):
        with pytest.raises(k.Tampered):
            keys.open(subject, kind, sealed)


@given(st.integers(0, 39), st.integers(1, 255))
def test_an_altered_byte_is_noticed(at, change):
    keys = held(ANN)
    sealed = bytearray(keys.seal(ANN, MOBILE, "13800138000"))
    sealed[at] ^= change
    with pytest.raises(k.Tampered):
        keys.open(ANN, MOBILE, bytes(sealed))


def test_a_key_cannot_be_moved_to_another_person():
    with pytest.raises(k.Tampered):
        k.Keys({BO: k._wrap(ANN, bytes(32))})


def test_old_master_keys_still_open_and_missing_ones_are_named(settings):
    settings.MASTER_KEYS = {1: b"1" * 32}
    old = k._wrap(ANN, bytes(32))
    settings.MASTER_KEYS = {1: b"1" * 32, 2: b"2" * 32}
    assert k._unwrap(ANN, old) == k._unwrap(ANN, k._wrap(ANN, bytes(32))) == bytes(32)
    settings.MASTER_KEYS = {2: b"2" * 32}
    with pytest.raises(k.Tampered, match="version 1"):
        k._unwrap(ANN, old)


def test_blind_indexes_meet_only_within_their_purpose():
    assert k.blind("13800138000", "mobile") == k.blind("13800138000", "mobile")
    assert len(k.blind("13800138000", "mobile")) == k.BLIND_BYTES
    assert len({k.blind("8000", "mobile:last4"), k.blind("8000", "card:last4"), k.blind("8001", "card:last4")}) == 3
    assert k.blind("", "mobile") == b""


def test_a_sealed_value_shows_dots_wherever_it_is_put():
    sealed = Sealed(b"ciphertext")
    assert f"{sealed}" == str(sealed) == "%s" % sealed == HIDDEN  # noqa: UP031
    assert "ciphertext" not in repr(sealed)
    assert str(Sealed()) == ""
    assert not Sealed()


@isolate_apps("neiqin.kernel.personal")
def contact_model() -> type[models.Model]:
    class Contact(models.Model):
        subject = subject_field()
        mobile = PersonalText(11, MOBILE)
        email = PersonalText(60, "contact.email")

        class Meta:
            app_label = "personal"
            managed = False

    return Contact


def test_a_personal_column_refuses_plain_text():
    contact = contact_model()
    column = contact._meta.get_field("mobile")
    assert contact().mobile == Sealed()
    with pytest.raises(TypeError, match="not str"):
        column.get_prep_value("13800138000")
    with pytest.raises(ValueError, match="at most 11"):
        column.get_prep_value(Sealed(bytes(200)))
    assert column.clone().deconstruct()[1:] == column.deconstruct()[1:]
    assert column.deconstruct()[3] == {"maxlen": 11, "kind": MOBILE}


@pytest.mark.parametrize("name", ["contains", "startswith", "gt", "in"])
def test_ciphertext_cannot_be_searched_by_part_or_order(name):
    assert contact_model()._meta.get_field("mobile").get_lookup(name) is None


def test_a_set_is_sealed_and_opened_with_one_query_for_all_keys(db, django_assert_num_queries):
    pairs = [(uuid4(), f"1380013{n:04}") for n in range(200)]
    with django_assert_num_queries(2):
        sealed = k.seal_many(pairs, MOBILE)
    with django_assert_num_queries(1):
        again = k.seal_many(pairs, MOBILE)
    stored = [(subject, value) for (subject, _), value in zip(pairs, again, strict=True)]
    with django_assert_num_queries(1):
        assert k.open_many(stored, MOBILE) == [text for _, text in pairs]
    assert not set(sealed) & set(again)
    assert PersonalKey.objects.count() == 200


def test_erasing_a_person_closes_her_values_and_nobody_elses(db, django_assert_num_queries):
    ann, bo = uuid4(), uuid4()
    stored = list(zip((ann, bo), k.seal_many([(ann, "13800138000"), (bo, "13900139000")], MOBILE), strict=True))
    k.index_many([(ann, "mobile", "13800138000"), (bo, "mobile", "13900139000")])
    with django_assert_num_queries(1):
        assert k.erase([ann]) == 1
    assert k.open_many(stored, MOBILE) == [None, "13900139000"]
    assert k.find_subjects("13800138000", "mobile") == []
    assert k.find_subjects("13900139000", "mobile") == [bo]
    assert bytes(PersonalKey.objects.get(pk=ann).wrapped) == b""
    with pytest.raises(k.Erased) as refused:
        k.seal_many([(ann, "13800138000"), (bo, "1")], MOBILE)
    assert refused.value.subjects == {ann}
    assert k.erase([ann]) == 0


def test_an_erased_person_who_never_had_a_key_gets_none_later(db):
    ann = uuid4()
    assert k.erase([ann, ann]) == 1
    with pytest.raises(k.Erased):
        k.seal_many([(ann, "x")], MOBILE)


def test_nothing_is_asked_of_the_database_for_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert k.seal_many([], MOBILE) == k.open_many([], MOBILE) == []
        assert k.seal_many([(ANN, "")], MOBILE) == [b""]
        assert k.open_many([(ANN, b"")], MOBILE) == [""]
        assert k.find_subjects("", "mobile") == []
        k.index_many([])
        assert k.erase([]) == 0


def test_a_person_is_found_by_a_whole_value_until_it_changes(db):
    ann, bo = uuid4(), uuid4()
    k.index_many([(ann, "mobile", "13800138000"), (bo, "mobile", "13800138000"), (ann, "mobile:last4", "8000")])
    assert set(k.find_subjects("13800138000", "mobile")) == {ann, bo}
    assert k.find_subjects("8000", "mobile:last4") == [ann]
    k.index_many([(ann, "mobile", "13900139000")])
    assert k.find_subjects("13800138000", "mobile") == [bo]
    k.index_many([(bo, "mobile", "")])
    assert k.find_subjects("13800138000", "mobile") == []


def test_rotation_of_the_master_key_loses_nothing(db, settings):
    settings.MASTER_KEYS = {1: b"1" * 32}
    pairs = [(uuid4(), str(n)) for n in range(5)]
    stored = [(subject, value) for (subject, _), value in zip(pairs, k.seal_many(pairs, MOBILE), strict=True)]
    k.index_many([(subject, "mobile", text) for subject, text in pairs])
    k.erase([pairs[0][0]])
    settings.MASTER_KEYS = {1: b"1" * 32, 2: b"2" * 32}
    assert k.find_subjects("3", "mobile") == [pairs[3][0]]
    k.index_many([(pairs[3][0], "mobile", "3")])
    assert k.find_subjects("3", "mobile") == [pairs[3][0]]
    assert [k.rewrap(3), k.rewrap(3), k.rewrap(3)] == [3, 1, 0]
    settings.MASTER_KEYS = {2: b"2" * 32}
    assert k.open_many(stored, MOBILE) == [None, "1", "2", "3", "4"]


def test_several_columns_of_several_rows_cost_one_query(db, django_assert_num_queries):
    contact = contact_model()
    rows = [contact() for _ in range(20)]
    seal_columns(rows, [{"mobile": f"1380013{n:04}", "email": ""} for n in range(20)])
    with django_assert_num_queries(1):
        opened = open_columns(rows, ["mobile", "email"])
    assert opened[7] == {"mobile": "13800130007", "email": ""}
    k.erase([rows[7].subject])
    assert open_columns(rows, ["mobile", "email"])[7] == {"mobile": None, "email": ""}
    with pytest.raises(ValueError, match="at most 11"):
        seal_columns(rows[:1], [{"mobile": "1" * 12}])


def test_keys_and_blind_indexes_are_not_captured_by_the_history(db):
    assert not PersonalKey.audited
    assert not BlindIndex.audited
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (%s::regclass, %s::regclass)",
            ["personal_personalkey", "personal_blindindex"],
        )
        assert cursor.fetchone() == (0,)
