"""Every template renders its samples, keeps the policy, stays in its budget and speaks plainly."""

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import RequestFactory

from neiqin.web import errors
from neiqin.web.jinja import is_fragment, render
from tests.web import samples

WEB = Path(errors.__file__).parent
STATIC = WEB / "static/neiqin"
TEMPLATES = sorted((WEB / "jinja2").rglob("*.html"))
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "use", "rect", "path", "circle", "line"}


def request(current="/customers/", path="/customers/?view=mine&q=hc", **headers):
    """A request with a shell, as the middleware leaves it."""
    made = RequestFactory().get(path, headers=headers)
    made.shell = lambda: samples.shell(current)
    return made


def html(name, block=None):
    """A sample page as text."""
    template, context, current = samples.pages()[name]
    return render(request(current), template, {"messages": [], **context}, block=block).content.decode()


class Reader(HTMLParser):
    """Checks nesting, and collects tags and ids."""

    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def read(text):
    """The parsed page."""
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


@pytest.mark.parametrize("name", samples.pages())
def test_a_page_keeps_the_policy_and_is_well_formed(name):
    page = read(html(name))
    for tag, attrs in page.tags:
        assert tag != "style"
        assert "style" not in attrs
        assert not [a for a in attrs if a.startswith(("on", "hx-on"))]
        assert "js:" not in (attrs.get("hx-vals") or "")
        if tag == "script":
            assert attrs["src"].startswith("/static/")
    fixed = [i for i in page.ids if not i.startswith("f-contacts-__n__")]
    assert len(fixed) == len(set(fixed))
    headings = [tag for tag, attrs in page.tags if tag == "h1"]
    assert len(headings) == (0 if name == "why" else 1)


@pytest.mark.parametrize("name", samples.pages())
def test_texts_follow_the_rules_of_writing(name):
    text = re.sub(r"<[^>]+>", "", html(name))
    assert not re.search("[您请！]|确定|提交成功|暂无数据", text)


@pytest.mark.parametrize(
    ("name", "block", "kilobytes"),
    [("list", None, 20), ("list", "listing", 15), ("record", None, 12), ("form", None, 15), ("home", None, 12)],
)
def test_html_stays_in_its_budget(name, block, kilobytes):
    assert len(gzip.compress(html(name, block).encode())) <= kilobytes * 1024


def test_static_files_stay_in_their_budget():
    size = {f.name: len(gzip.compress(f.read_bytes(), 9)) for f in STATIC.rglob("*") if f.is_file()}
    assert size["neiqin.css"] <= 17 * 1024
    assert size["htmx.min.js"] <= 14 * 1024
    assert size["icons.svg"] <= 5 * 1024
    assert size["theme.js"] + size["shell.js"] <= 4.5 * 1024
    scripts = ("htmx.min.js", "theme.js", "shell.js", "palette.js", "list.js", "picker.js")
    page = sum(size[n] for n in ("neiqin.css", "icons.svg", *scripts))
    assert page <= 55 * 1024


def test_icons_named_in_templates_are_in_the_sprite():
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    assert sprite == set((WEB / "icons.txt").read_text().split())
    for name in samples.pages():
        used = set(re.findall(r"icons\.svg#([\w-]+)", html(name)))
        assert used <= sprite, name


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_templates_are_short_and_name_their_parameters(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    if path.parent.name == "components":
        assert text.startswith("{# ")


def test_a_block_rendered_alone_is_the_same_as_in_the_page():
    whole, piece = (
        re.sub('(csrfmiddlewaretoken" value)="[^"]*"', r"\1", html("list", block)) for block in (None, "listing")
    )
    assert piece.strip().startswith('<div id="listing"')
    assert piece.strip() in whole
    assert html("action", "dialog").strip().startswith("<form")
    assert "csrfmiddlewaretoken" in html("action", "dialog")


def test_htmx_asks_for_fragments():
    assert not is_fragment(request())
    assert is_fragment(request(**{"HX-Request": "true"}))


def test_a_filter_form_keeps_the_rest_of_the_query():
    text = html("list")
    assert '<form action="/customers/" class="f-form"><input type="hidden" name="view" value="mine">' in text
    assert text.count('name="view" value="mine"') == 1 + len(samples.list_page().filters)


def test_on_a_phone_a_row_says_number_name_amount_and_state():
    row = re.search(r"<tbody>\s*(<tr.*?</tr>)", html("list"), re.DOTALL)
    assert {"id", "name", "amt", "st"} <= set(re.findall(r'data-c="(\w+)"', row[1]))


def test_masked_facts_offer_to_reveal_and_say_so():
    text = html("record")
    assert '<span class="cd">0512-****6215</span>' in text
    assert 'hx-post="/reveal/"' in text
    assert "看完整的开票电话，会记录在案" in text


def test_values_of_people_are_escaped():
    evil = "<script>alert(1)</script>"
    page = samples.record_page(title=evil, related=[], notes=[])
    text = render(request(), "record.html", {"messages": [], "page": page}).content.decode()
    assert evil not in text
    assert "&lt;script&gt;alert(1)" in text


def test_error_pages_have_their_status_and_three_sentences():
    for view, status in (
        (errors.forbidden, 403),
        (errors.not_found, 404),
        (errors.csrf_failed, 403),
        (errors.failed, 500),
    ):
        response = view(request())
        assert response.status_code == status
        assert response.content.decode().count("。") >= 3
    assert errors.conflict(request(), "何雨桐 10:39 改过。").status_code == 409
    assert errors.lockout(request(), samples.NOW, 5).status_code == 429
