"""Panels and notes on the pages of persons and positions."""

from typing import Any

from django.template.loader import render_to_string
from markupsafe import Markup

from neiqin.kernel import clock
from neiqin.kernel.fields.field import Field
from neiqin.kernel.people import duties, rights
from neiqin.kernel.people.leaving import owned_counts
from neiqin.kernel.people.models import Appointment, Duty, Login, Person, Position
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import site

ACCOUNT = (Field("username", "账号"), Field("state", "状态"), Field("manage", "管理", "ref"))
CAN = (Field("what", "能做什么"), Field("where", "在哪些记录上"), Field("through", "凭什么"))


def what_he_can_do(person: Person, by: Any) -> Bag:
    """Each permission with its rows in words, and the position, role or delegation it comes from."""
    rows = map(panels.line, rights.explain(person.pk))
    return panels.table("rights", "能做什么", CAN, rows, empty="现在什么权限都没有。")


def account(person: Person, by: Any) -> Bag | None:
    """The login, for who manages people."""
    if not by.may("people.manage"):
        return None
    login = Login.objects.filter(person=person).first()
    row = [
        login.username if login else "没有账号",
        _state_of(login),
        Bag(label="管账号", url=f"/people/logins/{person.pk}/"),
    ]
    return panels.table("account", "账号", ACCOUNT, [panels.line(row)], count=None)


def _state_of(login: Login | None) -> str:
    if login is None or not login.is_active:
        return "不能登录"
    return "锁着" if login.locked_until and login.locked_until > clock.now() else "可以登录"


def written_duties(position: Position, by: Any) -> Bag:
    """The version in force, who has signed it and who has not, and the older versions."""
    sheet = next(iter(duties.sheets([position.pk])), None)
    older = Duty.objects.filter(position=position).order_by("-number")[1:]
    html = render_to_string("duties_panel.html", {"sheet": sheet, "older": list(older)}) if sheet else ""
    return Bag(
        id="duties",
        label="岗位职责",
        count=f"第 {sheet.duty.number} 版" if sheet else None,
        columns=[],
        rows=[],
        html=Markup(html),  # noqa: S704 - rendered by our own template
        empty_text="还没有发布职责。有「发布职责」权限的人在「操作」里发。",
    )


def notes_on(person: Person, by: Any) -> list[Bag]:
    """What one has to know before anything else: gone and what is left, no login, locked, a planned transfer."""
    notes = []
    manages = by.may("people.manage")
    login = Login.objects.filter(person=person).first()
    accounts = [Bag(label="管账号", url=f"/people/logins/{person.pk}/")] if manages else []
    if person.left_on is not None:
        left = [(site().resources[key], n) for key, n in owned_counts(person.pk) if key in site().resources]
        text = "，".join(f"名下还有 {n:,} {r.noun}{r.label}没有移交" for r, n in left)
        links = [
            Bag(label=f"看这些{r.label}", url=f"{r.url}?f=owner:in:{person.pk}")
            for r, _ in left
            if by.may(r.view_permission)
        ]
        if left and by.may("handover.create"):
            links.append(Bag(label="办交接", url=f"/handover/begin/?id={person.pk}"))
        return [Bag(tone="warn" if left else "", bold=f"{person.left_on:%Y-%m-%d} 离职。", text=text, links=links)]
    planned = (
        Appointment.objects.filter(person=person, main=True, from_on__gt=clock.today())
        .select_related("unit", "position")
        .first()
    )
    if planned is not None:
        notes.append(
            Bag(
                tone="",
                bold=f"{planned.from_on:%m-%d} 起调到{planned.unit.name}，任{planned.position.name}。",
                text="",
                links=[],
            )
        )
    if login is not None and login.locked_until and login.locked_until > clock.now():
        text = f"连错五次密码，{clock.local(login.locked_until):%H:%M} 自动解开。"
        notes.append(Bag(tone="warn", bold="账号锁着。", text=text, links=accounts))
    elif manages and (login is None or not login.is_active):
        text = "不能登录。" if login is None else "密码已停用，重置后才能登录。"
        notes.append(Bag(tone="", bold="没有账号。" if login is None else "账号停用。", text=text, links=accounts))
    return notes
