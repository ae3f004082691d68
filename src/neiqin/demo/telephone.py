"""The telephone of the demo company: records of the last days, calls of today, one call-back that is open."""

from datetime import timedelta
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.deadlines import calendar
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.columns import open_columns
from neiqin.modules.calls import calling, filing
from neiqin.modules.calls.models import Call
from neiqin.modules.customers.models import Contact, Customer

EXTENSIONS = (("801", "linzhixia"), ("802", "gaosiyuan"), ("803", "jiangwanqing"), ("810", "fangjingyi"))
DAYS, A_DAY = 8, 7
# (topic, need, result, what then), of today's calls; the oldest first.
TODAY = (
    ("ask", "问 6204 轴承的含税价和交期", "报了标准价，现货", ""),
    ("account", "上月对账单少一张发票", "", "transfer"),
    ("press", "催货，产线周四要用", "", "promise"),
    ("order", "再订一批，数量和上次一样", "请他把订单发到微信", ""),
    ("complaint", "包装破了一箱，要个说法", "", ""),
)


def ring() -> None:
    """Fill it unless it is there; through the actions of the house, relative to now."""
    if Call.objects.exists():
        return
    people = dict(Login.objects.values_list("username", "person_id"))
    for name, login in EXTENSIONS:
        perform(calling.create_extension, rows=[{"name": name, "person": people[login]}], by=SYSTEM)
    clerk = actor_of(people["linzhixia"])
    mine = list(Customer.objects.filter(Customer.visible_to(clerk), owner__isnull=False).order_by("pk")[:12])
    contacts = list(Contact.objects.filter(customer__in=mine, erased_at=None).order_by("customer_id", "pk"))
    numbers = [t["mobile"] for t in open_columns(contacts, ["mobile"]) if t["mobile"]]
    if numbers:
        filing.take(_records(numbers), "话单.csv", actor_of(people["fangjingyi"]))
        _today(clerk, numbers)


def _records(numbers: list[str]) -> bytes:
    """A file as a telephone system writes it: most are answered within seconds, every ninth by nobody."""
    lines, day, n = ["主叫号码,被叫号码,开始时间,振铃秒数,通话秒数,分机,接听状态"], clock.today(), 0
    for ago in range(1, DAYS + 1):
        on = calendar.current().add_working_days(day, -ago)
        for turn in range(A_DAY):
            n += 1
            missed = n % 9 == 4
            ring_, talk = (28, 0) if missed else (3 + n * 5 % 14, 40 + n * 37 % 200)
            at = f"{on} {9 + turn}:{n * 7 % 60:02}:{n * 11 % 60:02}"
            extension = EXTENSIONS[n % len(EXTENSIONS)][0]
            number = numbers[n % len(numbers)] if n % 5 else f"0512-66{n:06}"
            lines.append(f"{number},{extension},{at},{ring_},{talk},{extension},{'未接' if missed else '已接'}")
    return "\n".join(lines).encode()


def _today(clerk: Any, numbers: list[str]) -> None:
    now = clock.now()
    for n, (topic, need, result, then) in enumerate(TODAY):
        rang = now - timedelta(minutes=25 * (len(TODAY) - n))
        row = {
            "other": numbers[n % len(numbers)], "rang_at": rang.isoformat(), "topic": topic, "need": need,
            "answered_at": (rang + timedelta(seconds=4 + 3 * n)).isoformat(), "result": result,
        }  # fmt: skip
        made = perform(calling.create, rows=[row], by=clerk)
        call = Call.objects.select_related("customer").filter(pk__in=made.done).first()
        if call is None or call.customer is None or not then:
            continue
        action = calling.transfer if then == "transfer" else calling.promise
        perform(action, [call.pk], by=clerk, params={"to": call.customer.owner_id})
