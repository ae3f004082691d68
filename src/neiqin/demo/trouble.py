"""What has gone wrong in the demo company: exceptions of orders, and what departments want of each other."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login, Unit
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.exceptions import exceptions, granting
from neiqin.modules.exceptions.models import OrderException
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import ALIVE
from neiqin.modules.requests import requests
from neiqin.modules.requests.models import ANSWER_IN, DepartmentRequest

# (kind, share of the order's amount, what, department); the last of them is solved and closed.
GONE_WRONG = (
    ("delay", None, "外协的轴承座没到，装不齐", "CC"),
    ("quality", "0.04", "一箱轴承外圈有锈，客户发了照片", "CC"),
    ("shortage", "0.12", "少一件，签收单上客户写了", "CC"),
    ("wrong", "0.03", "密封圈发成了大一号的", "CC"),
)
# (asked by, of which department, answered by, what, in how many days, asked how many hours ago, answered after)
WANTED = (
    ("linzhixia", "CC", "madayong", "周五的货提前到上午装车", 3, 190, 3),
    ("linzhixia", "CC", "houzhiqiang", "查 3 号库的气缸还有几件", 1, 170, 20),
    ("zhouqiming", "CC", "rentianxiang", "给昆山客户改用木箱包装", 5, 150, 30),
    ("linzhixia", "CW", "jinhui", "补开上月两张发票", 4, 140, 26),
    ("lujianguo", "CW", "lusimin", "华东组三季度回款明细", 3, 130, 44),
    ("zhouqiming", "SC", "duheng", "减速机新样册 50 本", 7, 120, 8),
    ("linzhixia", "SC", "xuruoxi", "展会邀请函的最终版", 2, 100, None),
    ("fangjingyi", "CW", "jinhui", "客户押金怎么退", 3, 60, 12),
    ("linzhixia", "CC", "houzhiqiang", "三单合并发货行不行", 2, 40, None),
    ("heyutong", "SC", "duheng", "样品的技术参数表", 4, 5, None),
)
ANSWERS = ("排上了，照你要的日子给", "查过了，单子发你邮箱", "能办，先给一半，其余下周")


def happen() -> None:
    """Fill both unless they are there; through the actions of the house, relative to today."""
    people = dict(Login.objects.values_list("username", "person_id"))
    units = dict(Unit.objects.values_list("code", "pk"))
    if not OrderException.objects.exists():
        _exceptions(actor_of(people["linzhixia"]), units)
    if not DepartmentRequest.objects.exists():
        _requests(people, units)


def _exceptions(clerk: Any, units: dict[str, int]) -> None:
    seen = Order.objects.filter(Order.visible_to(clerk), state__in=ALIVE, amount__gt=0)
    late = seen.filter(required_on__isnull=False, progress__shipped=0).order_by("required_on", "pk")
    out = seen.filter(progress__shipped=100).order_by("-pk")
    orders = [*late[:1], *out[: len(GONE_WRONG) - 1]]
    made = []
    for order, (kind, share, what, unit) in zip(orders, GONE_WRONG, strict=False):
        affected = "" if share is None else f"{float(order.amount) * float(share):.2f}"
        row = {"order": order.pk, "kind": kind, "affected": affected, "what": what, "department": units[unit]}
        made += _done(exceptions.create, [], clerk, rows=[row])
    if len(made) == len(GONE_WRONG):
        _done(exceptions.start, made[1:], clerk)
        granted = f"{float(orders[1].amount) * 0.01:.2f}"
        _done(granting.grant, made[1:2], clerk, params={"amount": granted, "note": "抵货款"})
        _done(exceptions.tell, made[1:2], clerk, params={"way": "call", "text": "和采购说了，明天换一箱过去"})
        measure = {"measure": "当天顺丰补发，错的随下次车带回"}
        _done(exceptions.solve, made[3:], clerk, params=measure)
        _done(exceptions.close, made[3:], clerk, params={"cause": "拣货单上两个料号挨着，拣错一行"})


def _requests(people: dict[str, int], units: dict[str, int]) -> None:
    moments = []
    for asker, unit, answerer, name, days, ago, _ in WANTED:
        row = {"name": name, "unit": units[unit], "owner": people[answerer], "what": f"{name}，急用",
               "need_on": str(clock.today() + timedelta(days=days))}  # fmt: skip
        (made,) = _done(requests.create, [], actor_of(people[asker]), rows=[row])
        moments.append((made, clock.now() - timedelta(hours=ago)))
    for n, ((pk, _), (_, _, answerer, _, days, _, after)) in enumerate(zip(moments, WANTED, strict=True)):
        if after is None:
            continue
        promised = str(clock.today() + timedelta(days=days))
        _done(requests.answer, [pk], actor_of(people[answerer]),
              params={"text": ANSWERS[n % len(ANSWERS)], "promised_on": promised})  # fmt: skip
    answered = [(pk, at, at + timedelta(hours=row[-1])) for (pk, at), row in zip(moments, WANTED, strict=True)
                if row[-1] is not None]  # fmt: skip
    _move(moments, answered)
    requests.every_minute()


def _move(asked: Sequence[tuple[int, datetime]], answered: Sequence[tuple[int, datetime, datetime]] = ()) -> None:
    """When they were asked, and answered, as if it had been then."""
    with transaction.atomic(), connection.cursor() as cursor:
        history.begin("demo", by=SYSTEM, source="demo")
        cursor.execute(
            "UPDATE requests_departmentrequest r "
            "SET created_at = v.at, answer_due_at = v.at + make_interval(secs => %s) "
            "FROM unnest(%s::bigint[], %s::timestamptz[]) AS v(id, at) WHERE r.id = v.id",
            [ANSWER_IN.total_seconds(), [pk for pk, _ in asked], [at for _, at in asked]],
        )
        cursor.execute(
            "UPDATE requests_departmentrequest r SET answered_at = v.at "
            "FROM unnest(%s::bigint[], %s::timestamptz[]) AS v(id, at) WHERE r.id = v.id AND r.answered_at IS NOT NULL",
            [[pk for pk, *_ in answered], [at for *_, at in answered]],
        )


def _done(action: Any, ids: Sequence[int], by: Any, **given: Any) -> list[int]:
    outcome = perform(action, ids, by=by, source="demo", **given)
    if outcome.refused:
        raise ValueError(f"demo data refused: {outcome.refused}")
    return list(outcome.done)
