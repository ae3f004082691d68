"""What of calls stands on the workbench, on their own pages and on the customer's."""

from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.fields.field import Field, label_of, state_of
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Todo
from neiqin.modules.calls import backs, calling
from neiqin.modules.calls import states as s
from neiqin.modules.calls.models import Call, CallBack

MOST = 20
SHOWN = (
    Field("rang_at", "时间", "moment"), Field("headline", "电话", role="name"), Field("need", "对方要什么"),
    Field("answerer", "接听人"), Field("state", "状态", "state"),
)  # fmt: skip


def todos(person: Any) -> list[Todo]:
    """Call-backs that one has promised, those of one's people that are over, what was handed over, what is open."""
    if person.id is None or not person.may(calling.VIEW):
        return []
    return _backs(person) + _passed(person) + _open(person)


def _backs(person: Any) -> list[Todo]:
    now = clock.now()
    rows = CallBack.objects.filter(owner_id=person.id, state=s.WAITING).order_by("promised_at", "pk")
    found = [
        Todo(b.headline, f"{backs.URL}{b.pk}/", b.need[:60], "phone", f"{clock.local(b.promised_at):%m-%d %H:%M} 前",
             "bad" if b.promised_at < now else "warn")
        for b in rows[:MOST]
    ]  # fmt: skip
    late = CallBack.objects.filter(state=s.WAITING, unit__leader_id=person.id).exclude(told_at=None)
    late = late.exclude(owner_id=person.id).select_related("owner").order_by("promised_at", "pk")
    return found + [
        Todo(f"到点没有回电：{b.headline.removeprefix('回电：')}", f"{backs.URL}{b.pk}/", f"{b.owner.name}没有回",
             "flag", "超时", "bad")
        for b in late[:MOST]
    ]  # fmt: skip


def _passed(person: Any) -> list[Todo]:
    rows = Call.objects.filter(passed_to_id=person.id, state=s.PASSED).order_by("passed_at", "pk")
    return [
        Todo(f"转给你的电话：{c.headline}", f"{calling.URL}{c.pk}/", c.need[:60], "phone", "接了没有", "bad")
        for c in rows[:MOST]
    ]


def _open(person: Any) -> list[Todo]:
    today = clock.today()
    return [
        Todo(f"{'没接到' if c.state == s.MISSED else '答复'}：{c.headline}", f"{calling.URL}{c.pk}/", c.need[:60],
             "phone", f"{clock.local(c.rang_at):%m-%d %H:%M} 打来",
             "warn" if clock.local(c.rang_at).date() == today else "bad")
        for c in calling.waiting(person)
    ]  # fmt: skip


def notes(call: Call, person: Any) -> list[Bag]:
    """To whom it was passed, and who calls back by when."""
    found = []
    if call.state == s.PASSED and call.passed_to:
        found.append(panels.note("warn", f"转给{call.passed_to.name}了。", "接起来点「对方接了」，没人接就请他回电。"))
    if call.state == s.BACK and (back := CallBack.objects.filter(call=call, state=s.WAITING).first()):
        found.append(_promised(back, Bag(label="看回电", url=f"{backs.URL}{back.pk}/")))
    if call.state == s.OPEN and call.topic:
        whom = calling.proposed(call.customer, [call.topic], person).get(call.topic)
        if whom is not None:
            found.append(panels.note("", f"建议转给{whom.name}。", "答不了就点「转接」或「答应回电」。"))
    return found


def notes_of_back(back: CallBack, person: Any) -> list[Bag]:
    """How long there is, or how late it was."""
    if back.state == s.WAITING:
        return [_promised(back, Bag(label="看来电", url=f"{calling.URL}{back.call_id}/"))]
    if back.state == s.CALLED and back.delay_minutes is not None:
        tone = "bad" if back.delay_minutes > 0 else "ok"
        return [panels.note(tone, f"{backs.late_words(back.delay_minutes)}。")]
    return []


def _promised(back: CallBack, link: Bag) -> Bag:
    late = back.promised_at < clock.now()
    due = f"{clock.local(back.promised_at):%m-%d %H:%M}"
    words = f"{back.owner.name}答应 {due} 前回电"
    told = "已告诉经理。" if back.told_at else ""
    return panels.note("bad" if late else "warn", f"{words}，过了。" if late else f"{words}。", told, link)


def of_customer(record: Any, person: Any) -> Bag | None:
    """电话 on a customer's page: those this person sees, the newest first."""
    if not person.may(calling.VIEW):
        return None
    seen = Call.objects.filter(Call.visible_to(person), customer=record).select_related("answerer")
    rows = [
        panels.line([c.rang_at, c.headline, c.need or ("没接到" if c.missed else ""),
                     c.answerer.name if c.answerer else "", state_of(s.CALL_STATES, c.state)],
                    f"{calling.URL}{c.pk}/", label_of(s.TOPICS, c.topic) if c.topic else "电话")
        for c in seen.order_by("-rang_at", "-pk")[:MOST]
    ]  # fmt: skip
    return panels.table("calls", "电话", SHOWN, rows) if rows else None
