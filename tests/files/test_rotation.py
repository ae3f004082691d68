"""A new master key: everything opens under it alone, also when the change was interrupted."""

import pytest

from neiqin.config import keys, rotation
from neiqin.kernel import clock
from neiqin.kernel.files import store
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal import blobs
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.personal.keys import find_subjects
from neiqin.kernel.resources.models import Draft
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def data(settings, tmp_path):
    settings.FILES = tmp_path / "files"
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/master.key").write_bytes(settings.MASTER_KEYS[1])
    settings.MASTER_KEYS = keys.master_keys(tmp_path)
    return tmp_path


def test_everything_opens_under_the_new_key_alone(data, settings):
    contact = factories.customer().contacts.get()
    stored = store.keep(b"contract", "a.txt", by=SYSTEM)
    gone = store.keep(b"gone", "b.txt", by=SYSTEM)
    store.path_of(gone.place).unlink()
    draft = Draft.objects.create(person_id=1, resource="x", body=blobs.seal_blob(b"draft"), saved_at=clock.now())
    newest, old, counts = rotation.rotate(data)
    assert (newest, old) == ("master-2.key", ["master.key"])
    assert (counts["附件"], counts["暂存内容"]) == (1, 1)
    (data / "keys/master.key").unlink()
    settings.MASTER_KEYS = keys.master_keys(data)
    assert settings.MASTER_KEYS.keys() == {2}
    assert open_columns([contact], ["mobile"]) == [{"mobile": "13800138000"}]
    assert contact.subject in find_subjects("13800138000", "mobile")
    assert store.body_of(stored) == b"contract"
    draft.refresh_from_db()
    assert blobs.open_blob(bytes(draft.body)) == b"draft"


def test_interrupted_it_goes_on_with_the_same_key(data, settings, monkeypatch):
    stored = store.keep(b"contract", "a.txt", by=SYSTEM)

    def killed():
        raise KeyboardInterrupt

    monkeypatch.setattr(rotation, "_reseal", killed)
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(data)
    monkeypatch.undo()
    half = keys.master_keys(data)
    assert half.keys() == {1, 2}
    settings.MASTER_KEYS, settings.FILES = half, data / "files"
    assert store.body_of(stored) == b"contract"
    assert rotation.rotate(data)[0] == "master-2.key"
    assert keys.master_keys(data) == half
    assert rotation.rotate(data)[0] == "master-3.key"


def test_only_names_of_keys_are_keys(data):
    for name in ("master-1x", "master-0", "other", ".master-3"):
        (data / f"keys/{name}.key").write_bytes(b"x")
    assert keys.master_keys(data).keys() == {1}
