"""The index follows the records, and whoever searches finds only what she may see, also while the index lags."""

from types import SimpleNamespace

import pytest
from django.db import connection

from neiqin.kernel.actions import worker
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.jobs import queue
from neiqin.kernel.people import appointments
from neiqin.kernel.resources import finding, listing
from neiqin.kernel.resources.listing import Listing, Query
from neiqin.kernel.resources.resource import site
from neiqin.kernel.search import hits, index
from neiqin.kernel.search.models import SearchEntry
from neiqin.kernel.search.text import asked
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Customer
from neiqin.modules.customers.resources import customer
from tests import factories
from tests.faults.threads import until_settled

NAME = "澄江精密机械（昆山）有限公司"


@pytest.fixture
def office(own_database):
    """ann and ben are reps of two teams, lu is the manager over both."""
    site()
    top = factories.unit("销售部")
    east, south = factories.unit("华东组", top), factories.unit("华南组", top)
    rep = factories.rep_position("own")
    found = SimpleNamespace(
        east=east, south=south, rep=rep,
        ann=factories.actor("周启明", unit_=east, position_=rep),
        ben=factories.actor("何雨桐", unit_=south, position_=rep),
        lu=factories.actor("陆建国", unit_=south, position_=factories.manager_position()),
    )  # fmt: skip
    work()
    return found


def work():
    """The worker comes round."""
    until_settled()
    while worker.react_once():
        pass


def in_list(person, text, **more):
    return Listing(customer, person, Query(text, **more)).ids(50)


def newest(person, text):
    finding.catch_up([customer])
    return [row[0] for row in finding.newest(customer, person, text, 20)[0]]


def found_everywhere(client, person, text):
    """The customers' ids that list, picker, palette and API show this person."""
    factories.sign_in(client, person)
    shown = {
        "list": set(in_list(person, text)),
        "picker": {item["id"] for item in client.get("/customers/customer/pick/", {"q": text}).json()["items"]},
        "palette": {
            int(part.split("/")[0])
            for part in client.get("/search/", {"q": text}).text.split('href="/customers/customer/')[1:]
            if part[0].isdigit()
        },
    }
    factories.api(client, person)
    groups = client.get("/api/v1/search", {"q": text}).json()["groups"]
    shown["search api"] = {item["id"] for g in groups if g["kind"] == "customers" for item in g["items"]}
    shown["list api"] = {item["id"] for item in client.get("/api/v1/customers", {"q": text}).json()["items"]}
    del client.defaults["HTTP_AUTHORIZATION"]
    return list(shown.values())


def test_who_makes_a_record_finds_it_at_once_everywhere(office, client):
    made = perform(actions.create, by=office.ann, rows=[factories.customer_row(NAME)]).done
    number = Customer.objects.get(pk=made[0]).number
    for typed in ("澄江", "cjjm", "jingmi", "潘工", "pangong", "pg", number, number[-4:], "昆山jm"):
        shown = found_everywhere(client, office.ann, typed)
        assert shown == [set(made)] * 5, typed


def test_the_index_follows_an_edit_and_its_lines(office):
    record = factories.customer(office.ann, NAME)
    line = record.contacts.get()
    perform(
        actions.edit, [record.pk], by=office.ann,
        params={"name": "恒川泵业有限公司", "contacts": [{"id": line.pk, "name": "覃工"}]},
    )  # fmt: skip
    work()
    assert in_list(office.ann, "潘工") == []
    for typed in ("hcby", "cjjm", "qin", "tan", "覃工"):  # its former name stays known (practice.md 2.2)
        assert in_list(office.ann, typed) == newest(office.ann, typed) == [record.pk]


def test_after_a_hand_over_the_former_owner_finds_nothing_though_the_index_lags(office, client):
    record = factories.customer(office.ann, NAME)
    work()
    done = perform(actions.hand_over, [record.pk], by=office.lu, params={"to": office.ben.id})
    assert not done.done  # not in the manager's scope yet
    Customer.objects.filter(pk=record.pk).update(owner_id=office.ben.id, unit_id=office.south.pk)
    assert SearchEntry.objects.get(kind=customer.key, record_id=record.pk).owner_id == office.ann.id
    shown = found_everywhere(client, office.ann, "澄江")
    assert shown == [set()] * 5
    finding.mend(customer)
    for person, expected in ((office.ann, set()), (office.ben, {record.pk}), (office.lu, {record.pk})):
        shown = found_everywhere(client, person, "cjjm")
        assert shown == [expected] * 5


def test_a_hand_over_reaches_the_index_by_its_event(office):
    record = factories.customer(office.ben, NAME)
    work()
    perform(actions.hand_over, [record.pk], by=office.lu, params={"to": office.lu.id})
    work()
    entry = SearchEntry.objects.get(kind=customer.key, record_id=record.pk)
    assert (entry.owner_id, entry.unit_id) == (office.lu.id, office.south.pk)
    assert in_list(office.ben, "cjjm") == []
    assert in_list(office.lu, "cjjm") == [record.pk]


def test_bulk_runs_are_indexed_in_the_background_chunk_by_chunk(office, monkeypatch):
    monkeypatch.setattr(finding, "CHUNK", 2)
    made = perform(
        actions.create, by=office.ben, rows=[factories.customer_row(f"澄江精密{n}厂") for n in range(5)]
    ).done
    work()
    perform(actions.hand_over, made, by=office.lu, params={"to": office.lu.id})
    work()
    assert queue.drain() == 1
    owners = SearchEntry.objects.filter(kind=customer.key).values_list("record_id", "owner_id")
    assert dict(owners) == dict.fromkeys(made, office.lu.id)


def entries():
    rows = SearchEntry.objects.filter(kind=customer.key).order_by("record_id")
    fields = ("record_id", "owner_id", "unit_id", "version", "updated_at", "format", "text", "sound")
    return [(*(getattr(row, f) for f in fields), sorted(row.tokens)) for row in rows]


def test_many_records_at_once_get_the_entries_that_few_get(office, monkeypatch):
    rows = [factories.customer_row(f"澄江{n:02}\\厂\t（重庆）") for n in range(60)]
    made = perform(actions.create, by=office.ann, rows=rows).done
    for place in range(0, 60, 10):
        finding.reindex(customer, made[place : place + 10])
    by_few = entries()
    assert len(by_few) == 60
    SearchEntry.objects.filter(record_id__in=made[:55]).delete()
    SearchEntry.objects.filter(record_id=made[57]).update(text="旧", tokens=[])
    finding.reindex(customer, made)
    assert entries() == by_few
    SearchEntry.objects.filter(record_id__in=made[1:]).delete()
    monkeypatch.setattr(index, "_known", lambda kind, records: set())  # a searcher puts one in between
    finding.reindex(customer, made)
    assert entries() == by_few


def test_kinds_without_owner_are_indexed_many_at_once_too(office):
    people = [factories.person(f"澄江{n}") for n in range(55)]
    person = site().resources["people.person"]
    SearchEntry.objects.filter(kind=person.key).delete()
    finding.reindex(person, [p.pk for p in people])
    owners = SearchEntry.objects.filter(kind=person.key).values_list("record_id", "owner_id", "unit_id")
    assert sorted(owners) == sorted((p.pk, None, None) for p in people)
    assert len(hits.newest({person.key: None}, asked("chengjiang"), 100)[person.key].ids) == 55


def test_records_move_with_a_transferred_owner(office):
    record = factories.customer(office.ann, NAME)
    work()
    assert in_list(office.lu, "cjjm") == []
    hr = factories.actor("邹佩兰", position_=factories.position("人力", people_view="all", people_manage="all"))
    perform(appointments.transfer, [office.ann.id], by=hr, params={"unit": office.south.pk, "position": office.rep.pk})
    work()
    assert SearchEntry.objects.get(kind=customer.key, record_id=record.pk).unit_id == office.south.pk
    assert in_list(office.lu, "cjjm") == [record.pk]


def test_what_is_gone_is_forgotten_and_what_is_missing_is_found_again(office):
    keep, gone = factories.customer(office.ann, NAME), factories.customer(office.ann, "恒川泵业有限公司")
    work()
    SearchEntry.objects.filter(record_id=keep.pk).delete()
    SearchEntry.objects.filter(record_id=gone.pk).update(record_id=10**9)
    assert in_list(office.ann, "cjjm") == []
    finding.check()
    assert queue.drain() >= 1
    assert in_list(office.ann, "cjjm") == [keep.pk]
    assert not SearchEntry.objects.filter(record_id=10**9).exists()
    assert finding.mend(customer) == 0


def test_entries_of_an_older_format_are_written_anew(office):
    record = factories.customer(office.ann, NAME)
    work()
    SearchEntry.objects.filter(kind=customer.key, record_id=record.pk).update(format=0, text="", tokens=[])
    done = []
    assert finding.mend(customer, done.append) == 1
    assert done == [1]
    assert in_list(office.ann, "澄江") == [record.pk]


def test_an_older_look_never_overwrites_a_newer_entry(office):
    record = factories.customer(office.ann, NAME)
    work()
    SearchEntry.objects.filter(kind=customer.key, record_id=record.pk).update(version=9, text="新")
    finding.reindex(customer, [record.pk])
    assert SearchEntry.objects.get(kind=customer.key, record_id=record.pk).text == "新"


def test_a_kind_without_its_right_never_appears(office, client):
    factories.customer(office.ann, "周启明五金行")
    work()
    factories.sign_in(client, office.ann)
    page = client.get("/search/", {"q": "周启明"}).text
    assert "周启明五金行" in page
    assert "/people/" not in page
    hr = factories.actor("邹佩兰", position_=factories.position("人力", people_view="all", people_manage="all"))
    factories.sign_in(client, hr)
    page = client.get("/search/", {"q": "周启明"}).text
    assert f"/people/person/{office.ann.id}/" in page
    assert "五金行" not in page


def test_phones_are_found_whole_and_by_tail_and_stand_nowhere_in_the_index(office):
    row = factories.customer_row(NAME, contacts=[{"name": "潘工", "mobile": "13862217788"}])
    record = perform(actions.create, by=office.ann, rows=[row]).done[0]
    work()
    for typed in ("13862217788", "138 6221 7788", "7788"):
        assert in_list(office.ann, typed) == newest(office.ann, typed) == [record]
        assert in_list(office.ben, typed) == newest(office.ben, typed) == []
    assert in_list(office.ann, "62217") == []
    stored = " ".join(f"{e.text} {e.sound}" for e in SearchEntry.objects.all())
    assert "7788" not in stored


@pytest.mark.parametrize("typed", ["%", "_", "\\", "%精%密", "'", "（）", "😀", ".*", "[a-z]", "  "])
def test_signs_in_a_query_are_no_wildcards(office, client, typed):
    record = factories.customer(office.ann, NAME)
    factories.sign_in(client, office.ann)
    expected = [record.pk] if typed == "%精%密" else []  # what is left without the signs
    assert client.get("/customers/customer/pick/", {"q": typed}).status_code == 200
    assert newest(office.ann, typed) == expected
    assert client.get("/search/", {"q": typed}).status_code == 200


def test_odd_queries_are_answered_in_words(office, client):
    factories.sign_in(client, office.ann)
    assert client.get("/search/", {"q": "a\0b"}).status_code == 422
    told = client.get("/search/", {"q": "长" * 10_000})
    assert told.status_code == 422
    assert told.text.startswith("写了 10000 个字")
    assert "没有找到" in client.get("/search/", {"q": "髹髹"}).text
    factories.api(client, office.ann)
    assert client.get("/api/v1/search", {"q": "a\0b"}).status_code == 400


def test_words_with_filters_sorts_pages_and_counts(office):
    rows = [factories.customer_row(f"苏州精密{n:02}号泵业有限公司") for n in range(7)]
    made = perform(actions.create, by=office.ann, rows=rows).done
    factories.customer(office.ann, "恒川泵业有限公司")
    factories.customer(office.ben, "苏州精密外人有限公司")
    perform(actions.deactivate, made[:2], by=office.ann, params={"reason": "停产"})
    work()
    for sort in ("pinyin", "-pinyin", "-updated_at", "number", "level"):
        first = Listing(customer, office.ann, Query("精密", sort=sort, size=3)).page([])
        assert len(first.ids) == 3, sort
        seen, page = list(first.ids), first
        while page.after:
            page = Listing(customer, office.ann, Query("精密", sort=sort, size=3, after=page.after)).page([])
            seen += page.ids
        assert sorted(seen) == made, sort
    listing = Listing(customer, office.ann, Query("szjm", ({"field": "state", "op": "in", "value": "inactive"},)))
    assert sorted(listing.ids(10)) == made[:2]
    assert listing.count() == 2
    assert Listing(customer, office.ann, Query("精密")).count() == 7


def test_a_frequent_word_gives_the_same_as_a_rare_one(office, monkeypatch):
    rows = [factories.customer_row(f"苏州精密{n:02}号泵业有限公司") for n in range(30)]
    made = perform(actions.create, by=office.ann, rows=rows).done
    others = perform(actions.create, by=office.ben, rows=[factories.customer_row(f"精密{n}厂") for n in range(5)]).done
    work()
    everyone = factories.actor("总", position_=factories.rep_position("all"))
    asked = ("精密", "szjm", "jingmi", "苏州", "07号", "精密 13")
    rare = {
        (w, p.id, s): in_list(p, w, sort=s)
        for w in asked
        for p in (office.ann, office.lu, everyone)
        for s in ("", "pinyin")
    }
    counts = {w: Listing(customer, everyone, Query(w)).count() for w in asked}
    monkeypatch.setattr(hits, "_small", lambda *_: set())
    monkeypatch.setattr(hits, "MOST_FOUND", 0)
    monkeypatch.setattr(hits, "WALKED", 10)
    monkeypatch.setattr(listing, "WALKED", 12)
    assert sorted(rare["精密", everyone.id, "pinyin"]) == sorted([*made, *others])
    for (word, person, sort), ids in rare.items():
        who = next(p for p in (office.ann, office.lu, everyone) if p.id == person)
        assert in_list(who, word, sort=sort) == ids, (word, sort)
    assert {w: Listing(customer, everyone, Query(w)).count() for w in asked} == counts


def test_the_newest_come_first_whichever_plan_finds_them(office, monkeypatch):
    made = [factories.customer(office.ann, f"苏州精密{n:02}号").pk for n in range(6)]
    work()
    everyone = factories.actor("总", position_=factories.rep_position("all"))
    for walked in (1000, 1, None):
        monkeypatch.setattr(hits, "_small", lambda kinds, _, walked=walked: set() if walked else set(kinds))
        monkeypatch.setattr(hits, "WALKED", walked or 1)
        monkeypatch.setattr(hits, "OWN_WALKED", walked or 1)
        assert newest(office.ann, "精密") == newest(everyone, "jm") == made[::-1]


def test_a_collaborator_finds_what_she_was_let_in_on(office, client):
    from neiqin.kernel.people.models import Collaborator

    record = factories.customer(office.ann, NAME)
    work()
    Collaborator.objects.create(model=customer.key, record_id=record.pk, person_id=office.ben.id)
    shown = found_everywhere(client, factories.actors_of(office.ben.id), "cjjm")
    assert shown == [{record.pk}] * 5


def test_the_palette_knows_places_new_records_and_what_was_done_last(office, client):
    record = perform(actions.create, by=office.ann, rows=[factories.customer_row(NAME)]).done[0]
    factories.sign_in(client, office.ann)
    empty = client.get("/search/").text
    assert f'href="/customers/customer/{record}/"' in empty
    assert "最近办过" in empty
    for typed in ("xjkh", "xinjian", "新建客"):
        assert 'href="/customers/customer/new/"' in client.get("/search/", {"q": typed}).text
    assert 'href="/settings/"' in client.get("/search/", {"q": "wdsz"}).text
    assert "/people/rights/" not in client.get("/search/", {"q": "quanxian"}).text


def test_more_than_five_of_a_kind_lead_to_the_list(office, client):
    for n in range(7):
        factories.customer(office.ann, f"苏州精密{n}号")
    work()
    factories.sign_in(client, office.ann)
    page = client.get("/search/", {"q": "szjm"}).text
    assert page.count('href="/customers/customer/') == 6
    assert 'href="/customers/customer/?q=szjm"' in page
    assert "全部 7 家" in page


def test_searching_asks_the_database_equally_often_however_much_is_there(office, client):
    factories.customer(office.ann, f"{NAME}0")
    work()
    factories.sign_in(client, office.ann)
    client.get("/search/", {"q": "cjjm"})

    def queries():
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as found:
            client.get("/search/", {"q": "cjjm"})
        return len(found)

    before = queries()
    assert before < 20  # of all kinds together, not of each
    for n in range(1, 5):
        factories.customer(office.ann, f"{NAME}{n}")
    work()
    assert queries() == before
