"""Stored bodies: unreadable on disk, whole or known to be damaged, under keys that can be renewed."""

import hashlib
import os
import time

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from neiqin.kernel.files import crypt, store
from neiqin.kernel.files.models import StoredFile
from neiqin.kernel.people.scope import SYSTEM

pytestmark = pytest.mark.django_db

BODY = "合同附件：澄江精密机械有限公司".encode() * 100_000  # 4 MB, five pieces


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.FILES = tmp_path
    return tmp_path


def disk(stored: StoredFile):
    return store.path_of(stored.place)


def test_a_body_comes_back_with_its_hash_and_is_unreadable_on_disk():
    stored = store.keep(BODY, "合同.txt", by=SYSTEM, kind="text/plain")
    assert store.body_of(stored) == BODY
    assert (stored.size, stored.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    on_disk = disk(stored).read_bytes()
    assert "澄江".encode() not in on_disk
    assert "合同".encode() not in on_disk
    assert stored.place not in stored.name


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.binary(max_size=300_000), max_size=9))
def test_pieces_of_any_size_are_one_body(pieces):
    stored = store.keep(iter(pieces), "a.bin", by=SYSTEM)
    assert store.body_of(stored) == b"".join(pieces)
    assert store.is_whole(stored)


@pytest.mark.parametrize("where", [0, 5, 30, crypt.HEAD + 3, crypt.HEAD + crypt.PIECE + 40, -1])
def test_one_changed_byte_anywhere_is_found(where):
    stored = store.keep(BODY, "a", by=SYSTEM)
    body = bytearray(disk(stored).read_bytes())
    body[where] ^= 1
    disk(stored).write_bytes(body)
    assert not store.is_whole(stored)
    with pytest.raises(store.Damaged):
        store.body_of(stored)


def test_cut_off_swapped_or_missing_is_found():
    first, second = store.keep(BODY, "a", by=SYSTEM), store.keep(BODY, "b", by=SYSTEM)
    whole = disk(first).read_bytes()
    disk(first).write_bytes(whole[: crypt.HEAD + 2 * (crypt.PIECE + crypt.TAG)])
    assert not store.is_whole(first)
    disk(first).write_bytes(disk(second).read_bytes())
    assert not store.is_whole(first)
    disk(first).unlink()
    assert not store.is_whole(first)
    assert store.is_whole(second)


def test_keys_are_renewed_without_touching_bodies(settings):
    old = settings.MASTER_KEYS[1]
    stored = store.keep(BODY, "a", by=SYSTEM)
    settings.MASTER_KEYS = {1: old, 2: os.urandom(32)}
    assert store.rewrap_all() == 1
    assert store.rewrap_all() == 0
    settings.MASTER_KEYS = {2: settings.MASTER_KEYS[2]}
    assert store.body_of(stored) == BODY
    settings.MASTER_KEYS = {3: os.urandom(32)}
    assert not store.is_whole(stored)


def test_too_large_is_refused_and_leaves_nothing(folder):
    with pytest.raises(store.TooLarge, match="超过 1 MB"):
        store.keep(BODY, "a", by=SYSTEM, most=1 << 20)
    assert [p for p in folder.rglob("*") if p.is_file()] == []
    assert not StoredFile.objects.exists()


def test_what_the_database_never_heard_of_is_swept_after_a_day(folder):
    kept = store.keep(b"x", "a", by=SYSTEM)
    lost = store.keep(b"y", "b", by=SYSTEM)
    fresh = store.keep(b"z", "c", by=SYSTEM)
    StoredFile.objects.filter(pk__in=[lost.pk, fresh.pk]).delete()
    for stored in (kept, lost):
        long_ago = time.time() - 90_000
        os.utime(disk(stored), (long_ago, long_ago))
    assert store.sweep() == 1
    assert [disk(s).exists() for s in (kept, lost, fresh)] == [True, False, True]
