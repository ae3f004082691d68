"""Platform files that come by themselves: from folders, addresses and SFTP, once, whole, and told when they do not."""
# ruff: noqa: E501 (answers and sentences as they are)

import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from neiqin.config import doctor
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.notices.models import Notice
from neiqin.modules.orders.models import Order, Pull, PullSource
from neiqin.modules.orders.sources import configured, connector, running, sftp, web
from neiqin.modules.orders.sources.configured import Misconfigured, sources
from neiqin.modules.orders.sources.connector import Left, Trouble
from tests import factories
from tests.orders.places import sftp_site, site
from tests.orders.test_orders import Desk, desk, text  # noqa: F401 - desk is a fixture
from tests.orders.test_taking import PDD_HEAD, csv, shop  # noqa: F401 - shop is a fixture

pytestmark = pytest.mark.django_db


def pdd(number, amount="295.00"):
    return csv(
        PDD_HEAD,
        f"润滑脂,{number},待发货,{amount},0.00,0.00,{amount},{amount},1,15kg,MF-1,无售后或售后取消,,江苏,苏州,昆山,",
    )


@pytest.fixture
def say(tmp_path, settings):
    """Writes order-sources.toml, readable by nobody else: say("http", url=…)."""
    settings.ORDER_SOURCES = tmp_path / "order-sources.toml"

    def write(kind, name="网店", **values):
        lines = [f"{k} = {json.dumps(v)}" for k, v in {"name": name, "kind": kind, **values}.items()]
        settings.ORDER_SOURCES.write_text("\n".join(["[[source]]", *lines]))
        settings.ORDER_SOURCES.chmod(0o600)
        return settings.ORDER_SOURCES

    return write


@pytest.fixture(autouse=True)
def empty_inbox(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "inbox", lambda: tmp_path / "inbox")
    monkeypatch.setattr(sftp, "STILL_SECONDS", 0.05)


def minute():
    """A minute of the worker and of the jobs it asks for."""
    running.every_minute()
    drain()


def numbers():
    return list(Order.objects.order_by("platform_number").values_list("platform_number", flat=True))


def told():
    return list(Pull.objects.order_by("pk").values_list("name", "words"))


def old(path, content):
    path.write_bytes(content)
    os.utime(path, (time.time() - 60, time.time() - 60))


def ahead(**more):
    return time_machine.travel(datetime.now(UTC) + timedelta(**more))


# An address


def test_an_address_with_a_file_is_taken_once_and_again_only_when_it_answers_differently(shop, say):  # noqa: F811
    with site() as shop_site:
        address = "/today.csv?key=geheim-7"
        shop_site.answers[address] = (200, {"ETag": '"1"', "Content-Type": "text/csv"}, pdd("P-1"))
        say("http", url=f"{shop_site.url}{address}", token="geheim-7", plain=True)
        minute()
        with ahead(minutes=2):
            minute()
        assert numbers() == ["P-1"]
        assert Pull.objects.count() == 1, "the same answer is no second file"
        (_, first), (_, second) = shop_site.asked
        assert first["Authorization"] == "Bearer geheim-7"
        assert second["If-None-Match"] == '"1"'
        shop_site.answers[address] = (200, {"ETag": '"2"'}, pdd("P-2"))
        with ahead(minutes=4):
            minute()
        assert numbers() == ["P-1", "P-2"]
    kept = [*PullSource.objects.values_list("marks", "problem", "name"), *Pull.objects.values_list("name", "words")]
    assert "geheim-7" not in str(kept)


def test_a_list_of_files_is_taken_file_by_file_and_one_that_cannot_be_read_is_told_and_left(shop, say):  # noqa: F811
    with site() as shop_site:
        files = [{"name": "好的.csv", "url": "f/1"}, {"name": "坏的.csv", "url": "f/2"}, {"name": "没了.csv", "url": "f/3?sign=geheim-7"},
                 {"name": "第二个.csv", "url": "f/4", "mark": "v1"}]  # fmt: skip
        body = json.dumps({"files": files}).encode()
        shop_site.answers["/out/list"] = (200, {"Content-Type": "application/json"}, body)
        shop_site.answers["/out/f/1"] = (200, {}, pdd("P-1"))
        shop_site.answers["/out/f/2"] = (200, {}, "甲,乙\n1,2\n".encode())
        shop_site.answers["/out/f/4"] = (200, {}, pdd("P-4"))
        say("http", url=f"{shop_site.url}/out/list", plain=True)
        for minutes in (0, 2, 4):
            with ahead(minutes=minutes):
                minute()
        assert numbers() == ["P-1", "P-4"]
        names = [name for name, _ in told()]
        assert names == ["好的.csv", "坏的.csv", "没了.csv", "第二个.csv"], "each is told once"
        assert all(words.startswith("没有取。") for name, words in told() if name in ("坏的.csv", "没了.csv"))
        assert sum(path == "/out/f/4" for path, _ in shop_site.asked) == 1, "its mark in the list is enough"
    page = text(shop[0].at(shop[0].clerk).get("/orders/take/"))
    assert "清单里有这个文件，地址上却没有。" in page


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {}, b""), "127.0.0.1 不让进（401），检查用户名、密码或令牌。"),
        ((404, {}, b""), "127.0.0.1 上没有这个地址（404），检查 url。"),
        ((500, {}, b""), "127.0.0.1 回答出错（500）。"),
        ((302, {"Location": "http://elsewhere.example/x"}, b""), "127.0.0.1 转到别的主机 elsewhere.example，没有跟去；把 url 改成要取的地址。"),
        ((200, {"Content-Length": "9999", "Connection": "close"}, pdd("P-1")), "127.0.0.1 的回答没有传完。"),
        ((200, {"Content-Type": "application/json"}, b"[1]"), "127.0.0.1 给的清单看不懂，应为 files 里每个文件一项，写 name 和 url。"),
        ((200, {"Content-Type": "application/json"}, b'[{"url": "http://127.0.0.1:1/x"}]'), "127.0.0.1 的清单指到别的主机 127.0.0.1，没有取。"),
        ((200, {"Content-Length": str(65 << 20)}, b""), connector.TOO_LARGE),
    ],
)  # fmt: skip
def test_an_address_that_does_not_give_what_it_should_says_why_in_words(answer, words):
    with site() as shop_site:
        shop_site.answers["/x"] = answer
        with pytest.raises((Trouble, Left)) as raised:
            web.Web(f"{shop_site.url}/x", user="neiqin", password="geheim-7", plain=True).look({})
    assert str(raised.value) == words


def test_a_file_that_grows_past_the_limit_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(web, "MOST_BYTES", 1000)
    with site() as shop_site:
        shop_site.answers["/x"] = (200, {"Content-Length": "", "Connection": "close"}, b"a" * 5000)
        with pytest.raises(Left, match="64 MB"):
            web.Web(f"{shop_site.url}/x", plain=True).look({})


def test_what_is_not_encrypted_is_asked_only_inside_the_house_and_only_if_said_so():
    with pytest.raises(Trouble, match="不加密"):
        web.Web("http://127.0.0.1:1/x").look({})
    with pytest.raises(Trouble, match="不加密"):
        web.Web("http://8.8.8.8/x", plain=True).look({})
    with pytest.raises(Trouble, match="https"):
        web.Web("file:///etc/passwd", plain=True).look({})


# Trouble


def test_an_unreachable_place_is_told_once_to_who_administers_and_rests_longer_each_time(shop, say):  # noqa: F811
    admin = factories.person("管理员", position_=factories.position("系统管理员", notices_channels="all"))
    with site() as shop_site:
        url = f"{shop_site.url}/today.csv"
    say("http", url=url, password="geheim-7", user="neiqin", plain=True)
    asked = []
    for minutes in range(8):
        with ahead(minutes=minutes):
            before = PullSource.objects.filter(name="网店").values_list("failures", flat=True).first()
            minute()
            row = PullSource.objects.get(name="网店")
            asked += [minutes] if row.failures != before else []
    assert asked == [0, 2, 6], "after two minutes, then after four more"
    words = "127.0.0.1 拒绝连接，检查端口和对方的服务。"
    assert told() == [("网店", f"没有取。{words}")]
    notice = Notice.objects.get(person_id=admin.pk)
    assert (notice.title, notice.text) == ("取单的来源「网店」出了问题", words)
    page = text(shop[0].at(shop[0].clerk).get("/orders/take/"))
    assert "「网店」取不到文件" in page
    assert words in page
    assert "geheim-7" not in page
    with site() as shop_site:
        shop_site.answers["/today.csv"] = (200, {}, pdd("P-1"))
        say("http", url=f"{shop_site.url}/today.csv", plain=True)
        with ahead(minutes=60):
            minute()
    assert numbers() == ["P-1"]
    assert "取不到文件" not in text(shop[0].at(shop[0].clerk).get("/orders/take/"))


# SFTP


def test_files_are_fetched_by_sftp_once_and_moved_away_there(shop, say, tmp_path):  # noqa: F811
    out = tmp_path / "sftp" / "out"
    out.mkdir(parents=True)
    (out / "一.csv").write_bytes(pdd("P-1"))
    (out / "坏.csv").write_bytes("甲,乙\n1,2\n".encode())
    (out / "说明.txt").write_text("no orders")
    with sftp_site(tmp_path / "sftp") as server:
        say("sftp", host="127.0.0.1", port=server.port, user="neiqin", password="a right one", folder="/out",
            host_key=server.fingerprint)  # fmt: skip
        minute()
        assert numbers() == ["P-1"]
        assert sorted(str(p.relative_to(out)) for p in out.rglob("*.*")) == ["aside/坏.csv", "done/一.csv", "说明.txt"]
        old(out / "一.csv", pdd("P-1"))
        with ahead(minutes=2):
            minute()
        assert numbers() == ["P-1"], "the same order in another file is taken once"
        assert len(list((out / "done").iterdir())) == 2, "the first file of this name is kept too"


def test_a_file_that_is_still_being_written_there_waits_for_the_next_time(tmp_path, monkeypatch):
    (tmp_path / "whole.csv").write_bytes(pdd("P-1"))
    (tmp_path / "half.csv").write_bytes(b"half")
    monkeypatch.setattr(sftp.time, "sleep", lambda seconds: (tmp_path / "half.csv").write_bytes(b"half and more"))
    with sftp_site(tmp_path) as server:
        place = sftp.Sftp(
            "127.0.0.1", port=server.port, user="neiqin", password="a right one", host_key=server.fingerprint
        )
        assert [f.name for f in place.look({})] == ["whole.csv"]
        place.close()


def test_a_server_that_we_may_only_read_keeps_its_files_and_gives_each_once(shop, say, tmp_path):  # noqa: F811
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "一.csv").write_bytes(pdd("P-1"))
    with sftp_site(tmp_path / "out") as server:
        say("sftp", host="127.0.0.1", port=server.port, user="neiqin", password="a right one", keep=True,
            host_key=server.fingerprint)  # fmt: skip
        minute()
        with ahead(minutes=2):
            minute()
    assert (tmp_path / "out" / "一.csv").exists()
    assert Pull.objects.count() == 1
    assert numbers() == ["P-1"]


def test_a_wrong_password_a_strange_server_and_a_missing_folder_are_told_in_words(tmp_path):
    def why(**more):
        given = {"user": "neiqin", "password": "a right one", "host_key": server.fingerprint, "port": server.port}
        place = sftp.Sftp("127.0.0.1", **given | more)
        with pytest.raises(Trouble) as raised:
            place.look({})
        place.close()
        return str(raised.value)

    with sftp_site(tmp_path) as server:
        assert why(password="geheim-7") == "127.0.0.1 不让进，检查用户名、密码或密钥。"
        assert why(host_key="SHA256:other") == (
            f"127.0.0.1 的指纹变成了 {server.fingerprint}，和 host_key 不一致，没有连。先向对方核对。"
        )
        assert why(host_key="") == f"127.0.0.1 的指纹是 {server.fingerprint}。向对方核对，一致就写进 host_key。"
        assert why(folder="/nowhere") == "127.0.0.1 上没有文件夹 /nowhere。"
    assert why() == "127.0.0.1 拒绝连接，检查端口和对方的服务。"


# A folder, and whatever is taken


def test_a_folder_of_ones_own_sets_aside_what_is_no_order_file_and_takes_the_rest(shop, say, tmp_path):  # noqa: F811
    folder = tmp_path / "ours"
    folder.mkdir()
    old(folder / "a.csv", "甲,乙\n1,2\n".encode())
    old(folder / "b.csv", pdd("P-1"))
    (folder / "c.csv").write_bytes(pdd("P-2"))
    say("folder", path=str(folder))
    minute()
    assert numbers() == ["P-1"], "c.csv may still be written"
    assert (folder / "aside" / "a.csv.txt").read_text().startswith("没有取。")
    assert (folder / "done" / "b.csv").exists()
    assert (folder / "c.csv").exists()


def test_one_file_that_breaks_the_program_does_not_keep_the_others_from_being_taken(shop, tmp_path, monkeypatch):  # noqa: F811
    inbox = running.inbox()
    inbox.mkdir()
    old(inbox / "a.csv", b"any")
    old(inbox / "b.csv", pdd("P-1"))
    whole = running.taking.take
    monkeypatch.setattr(
        running.taking, "take", lambda content, *rest: 1 // 0 if content == b"any" else whole(content, *rest)
    )
    minute()
    assert numbers() == ["P-1"]
    assert told()[0] == ("a.csv", f"没有取。{running.BROKEN}")
    assert (inbox / "aside" / "a.csv").exists()


def test_a_folder_that_lets_nothing_be_moved_away_is_told_once_and_nothing_is_taken_twice(shop, say, tmp_path):  # noqa: F811
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "done").write_text("a file where the folder should be")
    old(folder / "a.csv", pdd("P-1"))
    say("folder", path=str(folder))
    for minutes in (0, 3, 9):
        with ahead(minutes=minutes):
            minute()
    assert numbers() == ["P-1"]
    assert [name for name, _ in told()] == ["a.csv", "网店"]


# The settings


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("ftp", {}, "来源「网店」的 kind 要写 folder、http、sftp 中的一个。"),
        ("http", {}, "来源「网店」缺 url。"),
        (
            "http",
            {"url": "https://u:geheim-7@h/x"},
            "来源「网店」的 url 里不要写用户名和密码，写在 user 和 password 里。",
        ),
        ("sftp", {"host": "h", "user": "u", "pasword": "geheim-7"}, "来源「网店」里不认得 pasword。"),
        ("sftp", {"host": "h", "user": "u", "port": "22"}, "来源「网店」的 port 写法不对。"),
        ("folder", {"path": "/x", "every": 0}, "来源「网店」的 every 是分钟数，1 到 1440。"),
    ],
)
def test_a_wrong_setting_is_named_without_what_it_says(say, kind, values, words):
    path = say(kind, **values)
    with pytest.raises(Misconfigured) as raised:
        sources(path)
    assert str(raised.value) == words


def test_a_file_with_passwords_that_others_may_read_is_not_used_and_that_is_told_once(shop, say, monkeypatch):  # noqa: F811
    path = say("http", url="https://shop.example/x", token="geheim-7")
    path.chmod(0o644)
    minute()
    with ahead(minutes=2):
        minute()
    words = f"{path} 里有密码，别的用户也能读，没有用它；先执行 chmod 600 {path}。"
    assert told() == [("来源设置", f"没有取。{words}")]
    monkeypatch.setenv("NEIQIN_ORDER_SOURCES", str(path))
    assert doctor.order_sources() == (False, words)
    path.chmod(0o600)
    assert doctor.order_sources() == (True, f"{path} 里有 1 个来源。")
    (source,) = sources(path)
    assert "geheim-7" not in repr(source)


def test_every_says_how_often_a_place_is_asked(shop, say):  # noqa: F811
    with site() as shop_site:
        say("http", url=f"{shop_site.url}/x", plain=True, every=30)
        shop_site.answers["/x"] = (200, {}, pdd("P-1"))
        for minutes in (0, 5, 29, 30):
            with ahead(minutes=minutes):
                minute()
        assert len(shop_site.asked) == 2


def test_the_interface_is_what_the_three_connectors_have():
    methods = {name for name in vars(connector.Connector) if not name.startswith("_")}
    assert methods == {"look", "fetch", "done", "set_aside", "close"}
    for kind, given in {
        "folder": {"path": "/x"}, "http": {"url": "https://h/x"}, "sftp": {"host": "h", "user": "u"},
    }.items():  # fmt: skip
        assert all(callable(getattr(configured._open(kind, given), name)) for name in methods)
