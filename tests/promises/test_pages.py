"""Every page and endpoint that is not generated from a resource: who may come in, and that nothing crashes it.

The list is Django's own: an address nobody has written down here fails the first test.
"""

import inspect
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.checks.models import Second
from neiqin.kernel.exchange.models import DONE, Export, Import
from neiqin.kernel.files import store
from neiqin.kernel.files.models import Attachment
from neiqin.kernel.guests import limits
from neiqin.kernel.guests.models import Invitation
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Duty
from neiqin.kernel.printing.models import Job
from neiqin.kernel.resources.pages.routes import SCREENS
from neiqin.kernel.resources.resource import site
from neiqin.kernel.rules.models import Table
from neiqin.modules.customers.actions import edit
from neiqin.modules.customers.models import Contact
from neiqin.modules.orders import progress
from neiqin.modules.orders.models import Order, Pull
from neiqin.modules.shipback.models import Handout
from tests import factories
from tests.effort import EFFORT
from tests.exchange.test_import import folder, good, workbook  # noqa: F401 - folder is a fixture
from tests.promises.test_hostile import EVIL
from tests.stranger.models import Sample

pytestmark = pytest.mark.django_db
ROUNDS = EFFORT
Example = Callable[[Any], dict[str, Any]]


def nothing(person) -> dict[str, Any]:
    return {}


def an_import(person) -> dict[str, Any]:
    """One that is ready, with a wrong row."""
    client = factories.sign_in(Client(), person)
    rows = [good(1), ("苏州第002精密机械有限公司", "王2", "12", "5", "苏州市")]
    file = SimpleUploadedFile(f"客户{person.pk}.xlsx", workbook(rows))
    client.post("/imports/upload/", {"kind": "customers.customer", "mode": "new", "file": file})
    drain()
    return {"import_id": Import.objects.order_by("-id").first().pk, "what": "start"}


def an_export(person) -> dict[str, Any]:
    stored = store.keep(b"x", "x.csv", by=actor_of(person.pk))
    made = Export.objects.create(
        resource="customers.customer", person_id=person.pk, query="", columns=["name"], form="csv", state=DONE,
        file=stored, created_at=clock.now(),
    )  # fmt: skip
    return {"export_id": made.pk}


def an_attachment(person) -> dict[str, Any]:
    actor = actor_of(person.pk)
    record = factories.customer(actor)
    factories.sign_in(client := Client(), person)
    address = f"/files/customers.customer/{record.pk}/"
    client.post(address, {"file": SimpleUploadedFile("便条.txt", b"one")})
    row = Attachment.objects.filter(record_id=record.pk).first()
    return {"kind": "customers.customer", "record_id": record.pk, "attachment": row.pk, "verb": "remove", "page": 0}


def an_original(person) -> dict[str, Any]:
    return {"which": store.keep(b"x", "x.txt", by=actor_of(person.pk), kind="text/plain").pk, "page": 0}


def an_order(person) -> dict[str, Any]:
    made = factories.order(factories.customer(actor_of(person.pk)))
    return {"order_id": factories.approved(made).pk}


def an_order_page(person) -> dict[str, Any]:
    made = Order.objects.get(pk=an_order(person)["order_id"])
    return {"token": progress.path_of(made, made.customer.contacts.get().pk).split("/")[3]}


def a_pull(person) -> dict[str, Any]:
    stored = store.keep(b"x", "x.xlsx", by=actor_of(person.pk))
    made = Pull.objects.create(person=person, name="x.csv", at=clock.now(), words="没有取。", file=stored)
    return {"pull": made.pk}


def a_handout(person) -> dict[str, Any]:
    made = Handout.objects.create(
        owner=person, unit=person.unit, channel="拼多多", name="拼多多 0 单", **factories.stamps()
    )
    return {"handout": made.pk}


def a_notice(person) -> dict[str, Any]:
    made = Notice.objects.create(person_id=person.pk, kind="general", title="给你的", text="", created_at=clock.now())
    return {"notice": made.pk}


def a_sample(person) -> dict[str, Any]:
    factories.customer(actor_of(person.pk))
    made = Sample.objects.create(name="样品轴承", owner=person, unit=person.unit, **factories.stamps())
    return {"kind": "stranger.sample", "record_id": made.pk}


def a_link(person) -> dict[str, Any]:
    at = a_sample(person)
    contact = Contact.objects.get(customer__owner_id=person.pk)
    given = {"contact": f"customers.contact:{contact.pk}", "days": "7"}
    page = factories.sign_in(Client(), person).post(f"/guests/stranger.sample/{at['record_id']}/invite/", given)
    made = Invitation.objects.get(record_id=at["record_id"])
    return {"token": re.search(r"/g/([\w-]+)/", page.content.decode()).group(1), "invitation": made.pk}


def a_print(person) -> dict[str, Any]:
    stored = store.keep(b"%PDF-", "x.pdf", by=actor_of(person.pk))
    made = Job.objects.create(
        person_id=person.pk, kind="customers.customer", ids=[], state=DONE, file=stored, created_at=clock.now()
    )
    return {"job_id": made.pk}


def a_run(person) -> dict[str, Any]:
    factories.customer()
    return {"run_id": Run.objects.order_by("-id").first().pk}


def a_duty(person) -> dict[str, Any]:
    made = Duty.objects.create(
        position=factories.position("别的岗"), number=1, text="一、接单。", published_at=clock.now()
    )
    return {"duty_id": made.pk}


def a_login(person) -> dict[str, Any]:
    return {"person_id": factories.login_of(factories.person("试用")).person_id}


def a_second(person) -> dict[str, Any]:
    """A limit that somebody else has asked for and a second person must type again."""
    owner = factories.actor(position_=factories.rep_position("all"))
    record = factories.customer(owner)
    assert perform(edit, [record.pk], by=owner, params={"credit_limit": "2000000"}).held
    return {"number": Second.objects.latest("pk").pk}


def a_table(person) -> dict[str, Any]:
    return {"code": Table.objects.order_by("pk").first().code}


@dataclass(frozen=True)
class Page:
    """Who may come in. right: "" is everybody who is signed in, None everybody; hides: without a record of one's own
    it is 404, not 403; mine: somebody else's is 404 whatever one's rights; posts: GET is refused; absent: 404 for the
    example (it needs a query, or a file that can be drawn); sends: on to another page; why: for `right` of "" and
    None, what makes it harmless; example: values of the address that lead to something that is there."""

    right: str | None
    why: str = ""
    hides: bool = False
    mine: bool = False
    posts: bool = False
    absent: bool = False
    sends: bool = False
    example: Example = field(default=nothing)


IMPORT = {"right": "exchange.import", "example": an_import, "mine": True}
ORIGINAL = {"right": "", "hides": True, "mine": True, "example": an_original,
            "why": "one's own file, or behind the record's own gate"}  # fmt: skip
FILE = {"right": "", "hides": True, "example": an_attachment, "why": "behind the record's own gate"}

# A new page is written down here, or the first test fails. {resource} stands for the name of any kind of record.
PAGES: dict[str, Page] = {
    "healthz": Page(None, why="says that the server and its database are there, nothing more"),
    "": Page("", why="the workbench, made of what one may see"),
    "settings/": Page("", why="one's own"),
    "policy/": Page("", why="nobody is bound by rules he may not read"),
    "customers/follow/": Page("customers.follow", absent=True),
    "customers/pool/": Page("customers.view"),
    "customers/retention/": Page("retention.view"),
    "addresses/split/": Page("", posts=True, why="splits what was typed, and looks at nothing else"),
    "quick/": Page("", posts=True, why="says what the words mean inside what one may see, and saves nothing"),
    "search/": Page("", why="finds only what one may see"),
    "people/logins/<int:person_id>/": Page("people.manage", example=a_login),
    "privacy/": Page("customers.erase", absent=True),
    "duplicates/": Page("duplicates.merge"),
    "duplicates/merge/": Page("duplicates.merge", absent=True),
    "duplicates/part/<int:run_id>/": Page("duplicates.merge", absent=True, example=a_run),
    "handover/begin/": Page("handover.create", absent=True),
    "people/duties/": Page("people.duties"),
    "people/duties/<int:duty_id>/": Page("", hides=True, example=a_duty, why="of one's own position"),
    "people/rights/": Page("people.rights"),
    "people/safety/": Page("people.rights"),
    "people/review/": Page("people.rights"),
    "start/": Page(None, absent=True, why="only with the start code, and only while nobody can sign in"),
    "company/start/": Page("company.manage"),
    "company/start/people/": Page("people.manage"),
    "company/start/numbers/": Page("company.manage"),
    "company/start/page.pdf": Page("company.manage"),
    "log/": Page("audit.view"),
    "log/<int:run_id>/": Page("audit.view", example=a_run),
    "approvals/": Page("approvals.view"),
    "approvals/times/": Page("approvals.view"),
    "catalog/price/": Page("catalog.view"),
    "orders/take/": Page("orders.create"),
    "orders/take/<int:pull>/": Page("orders.create", example=a_pull, mine=True),
    "orders/news/<int:order_id>/": Page("orders.answer", example=an_order, mine=True),
    "orders/service/": Page("orders.view"),
    "returns/new/": Page("returns.create", absent=True),
    "returns/inspect/": Page("orders.return", absent=True),
    "exceptions/new/": Page("exceptions.create", absent=True),
    "requests/share/": Page("requests.view"),
    "shipback/": Page("shipback.create"),
    "shipback/file/<int:handout>/": Page("shipback.view", example=a_handout),
    "calls/ring/": Page("calls.create"),
    "calls/records/": Page("calls.create"),
    "calls/response/": Page("calls.view"),
    "orders/board/": Page("orders.view"),
    "orders/check/": Page("orders.create", posts=True),
    "orders/daily/": Page("orders.view"),
    "orders/book/": Page("orders.view", absent=True),
    "projects/board/": Page("projects.view"),
    "changes/new/": Page("changes.create", absent=True),
    "changes/look/": Page("changes.create", posts=True),
    "changes/figures/": Page("changes.view"),
    "orders/ship/": Page("orders.ship", absent=True),
    "orders/times/": Page("orders.view"),
    "intake/paste/": Page("intake.create"),
    "quotes/begin/": Page("quotes.create", absent=True),
    "quotes/check/": Page("quotes.create", posts=True),
    "quotes/push/": Page("quotes.edit", absent=True),
    "quotes/text/": Page("quotes.edit", absent=True),
    "checks/": Page("checks.view"),
    "checks/second/": Page("", why="what one has asked for, or may check"),
    "checks/second/<int:number>/": Page("", hides=True, example=a_second, why="one's own, or what one may check"),
    "rules/": Page("rules.view"),
    "rules/<str:code>/": Page("rules.view", example=a_table),
    "rules/<str:code>/edit/": Page("rules.manage", example=a_table),
    "rules/<str:code>/check/": Page("rules.manage", posts=True, example=a_table),
    "deadlines/calendar/": Page("deadlines.manage"),
    "imports/": Page("exchange.import"),
    "customers/quality/": Page("customers.profile"),
    "imports/upload/": Page("exchange.import", posts=True),
    "imports/template/": Page("exchange.import", absent=True),
    "imports/<int:import_id>/": Page(**IMPORT),
    "imports/<int:import_id>/columns/": Page(**IMPORT, posts=True),
    "imports/<int:import_id>/cell/": Page(**IMPORT, posts=True),
    "imports/<int:import_id>/errors/": Page(**IMPORT),
    "imports/<int:import_id>/<slug:what>/": Page(**IMPORT, posts=True),
    "exports/": Page("exchange.export"),
    "exports/new/": Page("exchange.export", absent=True),
    "exports/<int:export_id>/file/": Page("exchange.export", example=an_export, mine=True),
    "notices/": Page("", why="one's own"),
    "notices/count/": Page("", why="one's own"),
    "notices/read/": Page("", posts=True, why="one's own"),
    "notices/settings/": Page("", why="one's own"),
    "notices/channels/": Page("notices.channels"),
    "g/<str:token>/": Page(None, example=a_link, why="the link is the key, and shows one matter"),
    "g/<str:token>/<int:invitation>/": Page(None, example=a_link, why="another of the same guest, after a code"),
    "g/order/<str:token>/return/": Page(None, example=an_order_page, why="the link is the key, and shows one order"),
    "g/order/<str:token>/": Page(None, example=an_order_page, why="the link is the key, and shows one order"),
    "guests/": Page("guests.invite"),
    "guests/<str:kind>/<int:record_id>/invite/": Page("guests.invite", mine=True, example=a_sample),
    "guests/<str:kind>/<int:record_id>/revoke/": Page("guests.invite", mine=True, posts=True, example=a_sample),
    "notices/<int:notice>/": Page("", hides=True, example=a_notice, sends=True, why="one's own"),
    "print/": Page("", absent=True, why="prints only what one may see"),
    "print/list/": Page("printing.list", absent=True),
    "print/hand/": Page("", absent=True, why="hands out only what one may see, and tells the record"),
    "print/hand/picture/": Page("", absent=True, why="shows only what one may see"),
    "print/jobs/": Page("", why="one's own"),
    "print/jobs/<int:job_id>/": Page("", hides=True, example=a_print, why="one's own"),
    "files/originals/": Page("", posts=True, why="keeps a file of one's own for a form; who may change nothing: 404"),
    "files/originals/<slug:which>/": Page(**ORIGINAL),
    "files/originals/<slug:which>/<int:page>/": Page(**ORIGINAL, absent=True),
    "files/<str:kind>/<int:record_id>/": Page(**FILE),
    "files/<int:attachment>/": Page(**FILE),
    "files/<int:attachment>/preview/": Page(**FILE),
    "files/<int:attachment>/preview/<int:page>/": Page(**FILE, absent=True),
    "files/<int:attachment>/<slug:verb>/": Page(**FILE, posts=True),
    "api/v1/": Page(None, absent=True, why="only for building addresses: 404"),
    "api/v1/openapi.json": Page(None, why="the description of the API, without data"),
    "api/v1/search": Page("", why="finds only what one may see"),
    "api/v1/{resource}/<int:record_id>/files": Page(**FILE),
    "api/v1/{resource}/<int:record_id>/files/<attachment>": Page(**FILE),
}
HOW_TO = (
    "nobody has said who may open these addresses. Write each down in PAGES of tests/promises/test_pages.py: the right "
    "it needs (or, for everybody and for the public, why that is harmless), whether GET is refused, and an example"
)
GENERATED = {name for name, _ in SCREENS}
ABSENT = (0, 2**63 - 1, 2**63, 10**30, "abc", "-1", "1.5", "%00", "%ff", "%ed%a0%80", "x" * 10_000, "%2e%2e%2f")


@cache
def routes() -> dict[str, Any]:
    """Route -> view of all addresses that are neither generated from a resource nor allauth's login pages."""
    return {r: view for r, view in _walk(get_resolver().url_patterns) if not _generated(r)}


def _walk(patterns, before=""):
    for found in patterns:
        here = before + str(found.pattern)
        if isinstance(found, URLResolver):
            yield from _walk(found.url_patterns, here)
        elif isinstance(found, URLPattern) and not str(found.name).startswith(("account_", "mfa_")):
            yield _named(here), found.callback


def _named(route: str) -> str:
    name = route.removeprefix("api/v1/").split("/")[0]
    known = name in {r.api_name for r in site().resources.values()}
    return route.replace(f"api/v1/{name}", "api/v1/{resource}", 1) if known else route


def _generated(route: str) -> bool:
    for resource in site().resources.values():
        url = resource.url.lstrip("/")
        if route.startswith(url) and route.removeprefix(url) in GENERATED:
            return True
    verbs = "|".join({a.name for r in site().resources.values() for a in r.actions})
    verb = rf"/<int:record_id>/({verbs})(/preview)?|/do/({verbs})"
    return bool(re.fullmatch(rf"api/v1/\{{resource\}}(/<int:record_id>(/timeline)?|{verb})?", route))


def address(route: str, values: dict[str, Any], default: Any = 1) -> str:
    """The route with these values; what has none gets the default (letters for what is not a number)."""

    def value(match: re.Match[str]) -> str:
        kind, name = match["kind"] or "", match["name"]
        return str(values.get(name, default if kind == "int" or "attachment" in name else "nosuch"))

    return "/" + re.sub(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>", value, route).replace("{resource}", "customers")


def parameters(view: Any) -> set[str]:
    """What the view's module asks a request for, by its source."""
    source = inspect.getsource(inspect.getmodule(inspect.unwrap(view)))
    return set(re.findall(r'(?:GET|POST|given)(?:\.get\(|\.getlist\(|\[)\s*"([\w-]+)"', source))


def with_rights(name: str, scope: str = "all"):
    """A person with every right there is."""
    every = {p.replace(".", "_", 1): scope for _, group in site().permissions for p in group}
    return factories.person(name, position_=factories.position(f"{name}岗", **every))


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Guests' pages stop who is wrong too often; here nobody is."""
    monkeypatch.setattr(limits, "MOST_WRONG", 10**6)
    monkeypatch.setattr(limits, "MOST_LINK", 10**6)


@pytest.fixture
def boss():
    return with_rights("全知")


@pytest.fixture
def nobody():
    return factories.person("无权", position_=factories.position("无权岗"))


def client_of(person, route: str, **more) -> Client:
    """In the browser, or for the API with a token."""
    client = Client(**more)
    return factories.api(client, person) if route.startswith("api/") else factories.sign_in(client, person)


def test_every_address_is_written_down():
    assert sorted(set(routes()) - set(PAGES)) == [], HOW_TO
    assert sorted(set(PAGES) - set(routes())) == [], "no such addresses any more: take them out of PAGES"
    assert [r for r, page in PAGES.items() if not page.right and not page.why] == [], "say why this is harmless"
    known = {p for _, group in site().permissions for p in group}
    assert {page.right for page in PAGES.values() if page.right} <= known


@pytest.mark.parametrize("route", sorted(PAGES))
def test_a_page_keeps_its_promises(route, boss, nobody):
    """One record and its owner for all of them: to make these takes longer than to ask."""
    page = PAGES[route]
    at = address(route, page.example(boss))
    anonymous_goes_to_the_login_and_gets_401_from_the_api(route, page, at)
    nothing_is_posted_without_the_token_of_a_form(route, at, boss)
    if page.right or page.hides:
        without_any_right_it_is_403_or_404(route, page, at, nobody)
    if page.right == "" and not page.hides:
        what_everybody_may_open_shows_a_stranger_nothing_of_a_customer(route, page, nobody)
    if page.mine or page.hides:
        what_is_somebody_elses_is_as_if_it_were_not_there(route, page, at)
    client = client_of(boss, route)
    if "<" in route:
        what_is_not_there_is_404(route, client)
    it_opens_for_who_may_and_get_is_refused_where_only_a_form_is_taken(page, client, at)
    hostile_addresses_and_forms_never_crash_it(route, client, at)


def anonymous_goes_to_the_login_and_gets_401_from_the_api(route, page, at):
    client = Client()
    for answer in (client.get(at), client.post(at)):
        if page.right is None:
            assert answer.status_code in (200, 404, 405, 422)
        elif route.startswith("api/"):
            assert answer.status_code in (401, 405)
        else:
            assert (answer.status_code, answer.url.split("?")[0]) == (302, "/login/")


def nothing_is_posted_without_the_token_of_a_form(route, at, boss):
    client = Client(enforce_csrf_checks=True)
    factories.sign_in(client, boss)
    assert client.post(at).status_code in ((401, 403, 404, 405) if route.startswith("api/") else (403,))


def without_any_right_it_is_403_or_404(route, page, at, nobody):
    client = client_of(nobody, route)
    for answer in (client.get(at), client.post(at)):
        assert answer.status_code in ((403, 404, 405) if route.startswith("api/") else (404,) if page.hides else (403,))


def what_everybody_may_open_shows_a_stranger_nothing_of_a_customer(route, page, nobody):
    factories.customer(name="苏州恒瑞精密机械有限公司")
    client, at = client_of(nobody, route), address(route, {})
    for query in ("", "?q=恒瑞", "?q=13800138000"):
        answer = client.get(f"{at}{query}")
        assert answer.status_code == (404 if page.absent else 405 if page.posts else 200)
        assert "恒瑞精密" not in answer.content.decode()


def what_is_somebody_elses_is_as_if_it_were_not_there(route, page, at):
    rights = {r.replace(".", "_", 1): "all" for r in {page.right, "exchange.import"} if r}
    other = factories.person("别人", position_=factories.rep_position("own", **rights))
    client = client_of(other, route)
    for answer in (client.get(at), client.post(at)):
        assert answer.status_code in (404, 405)
    assert client.post(at).status_code in ((404, 405) if route.startswith("api/") else (404,))


def what_is_not_there_is_404(route, client):
    names = re.findall(r"(\w+)>", route)
    for value in ABSENT:
        at = address(route, dict.fromkeys(names, value))
        for answer in (client.get(at), client.post(at)):
            assert answer.status_code in (404, 405), (value, answer.status_code)


def it_opens_for_who_may_and_get_is_refused_where_only_a_form_is_taken(page, client, at):
    status = client.get(at).status_code
    assert status == (405 if page.posts else 404 if page.absent else 302 if page.sends else 200)


def hostile_addresses_and_forms_never_crash_it(route, client, at):
    names = sorted(parameters(routes()[route]) | {"q", "kind", "year", "after", "show", "do", "request_key"})
    first = sorted(PAGES).index(route)
    for turn in range(ROUNDS):
        # A list of one: Django's test client would send bare bytes as a list of numbers.
        given = {
            n: [EVIL[(first + i + turn * 7) % len(EVIL)].encode("utf-8", "surrogatepass")] for i, n in enumerate(names)
        }
        _answers(client, at, given, turn)
    assert client.post(at, dict.fromkeys(names, "x" * 100_000)).status_code < 500
    for kind in ("customers.customer", "people.person"):
        _answers(client, at, given | {"kind": kind, "mode": "new", "do": "import", "format": "xlsx"}, kind)
    numbers = dict.fromkeys(names, "9" * 5_000)
    assert client.get(at, numbers).status_code < 500
    assert client.post(at, numbers | {"do": "add", "form": "wecom"}).status_code < 500
    for raw in ("%ff=%ff", "q=%00", "a=b;c", "&&&=", "q=" + "x" * 10_000, "=".join("ab" * 5_000)):
        assert client.get(f"{at}?{raw}").status_code < 500, raw[:20]


def _answers(client: Client, at: str, given: dict[str, Any], turn: Any) -> None:
    assert client.get(at, given).status_code < 500, turn
    assert client.post(at, given).status_code < 500, turn
    bodies = (b"", b"PK\x03\x04" + b"\0" * 40, b"\xff" * 100, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    file = io.BytesIO(bodies[turn % 4 if isinstance(turn, int) else 0])
    file.name = "a\u202e\r\nx:y.xlsx"
    assert client.post(at, given | {"file": file}).status_code < 500, turn
