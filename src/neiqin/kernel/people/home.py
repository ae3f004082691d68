"""The workbench: what waits for this person, the figures of the modules, what she handled last."""

from datetime import datetime, time
from typing import Any

from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.actions import seals
from neiqin.kernel.actions.worker import ALARM_LAG
from neiqin.kernel.figures.figure import FIGURES
from neiqin.kernel.people import duties, safety
from neiqin.kernel.people.models import Login
from neiqin.kernel.resources import quick
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.pages.search import recent
from neiqin.kernel.resources.resource import Todo, site

GREETINGS = ((5, "夜深了"), (9, "早上好"), (12, "上午好"), (14, "中午好"), (18, "下午好"), (24, "晚上好"))
WEEKDAYS = "一二三四五六日"
URGENCIES = (("overdue", "已超时"), ("today", "今天"), ("later", "之后"))
CLOSING = time(17, 30)  # 日清: from now on the page says what must not stay open today


def page_for(person: Any) -> Bag:
    """Everything the workbench shows to one person. Duties yet to be signed are things to do."""
    todo = waiting(person)
    sheets = [
        Bag(
            title=f"{d.position.name}岗位职责",
            version=d.number,
            published=clock.local(d.published_at).date(),
            url=f"/people/duties/{d.pk}/",
            signed=signed,
        )
        for d, signed in duties.duties_of(person.id)
        if signed
    ]
    now = clock.local(clock.now())
    groups = [(name, label, [t for t in todo if t.urgency == name]) for name, label in URGENCIES]
    pressing = sum(len(items) for name, _, items in groups if name != "later")
    return Bag(
        greeting=greeting(now, person.name),
        sentence=[_sentence(len(todo))],
        duties=sheets,
        todo=todo,
        groups=[Bag(name=name, label=label, items=items) for name, label, items in groups if items],
        closing=pressing if now.time() >= CLOSING else 0,
        quicks=quick.known_to(person),
        queues=[r for f in FIGURES.values() if f.queue and (r := f.read(person)) and r.value],
        figures=[reading for f in FIGURES.values() if f.home and (reading := f.read(person))],
        recent=recent(person),
    )


def waiting(person: Any) -> list[Todo]:
    """What all modules say that waits for this person."""
    return [item for module in site().modules for offer in module.home for item in offer(person)]


def greeting(now: datetime, name: str) -> str:
    """早上好 until nine, and so on; a person of three characters is called by the last two."""
    words = next(words for until, words in GREETINGS if now.hour < until)
    return f"{words}，{name[1:] if len(name) == 3 else name}"


def _sentence(count: int) -> str:
    now = clock.local(clock.now())
    day = f"{now.month}月{now.day}日，周{WEEKDAYS[now.weekday()]}。"
    return day + (f"有 {count} 件事等着处理。" if count else "没有等着处理的事。")


def to_sign(person: Any) -> list[Todo]:
    """Written duties that this person has yet to sign."""
    return [
        Todo(
            f"{d.position.name}岗位职责，看完签收",
            f"/people/duties/{d.pk}/",
            f"第 {d.number} 版，{clock.local(d.published_at):%m-%d} 发布",
            "file-certificate",
        )
        for d in duties.unsigned_of(person.id)
    ]


def to_review(person: Any) -> list[Todo]:
    """Going through the rights when it is time (C-SEC-05)."""
    due = safety.review_due() if person.may(safety.RIGHTS) else None
    if due is None or due > clock.today():
        return []
    return [
        Todo(
            "复核权限：谁能导出、谁能看完整联系方式",
            "/people/review/",
            "登录安全",
            "shield-lock",
            f"{due:%m-%d} 到期",
            "warn",
        )
    ]


def for_administrators(person: Any) -> list[Todo]:
    """What the system itself complains about, for those who can mend it."""
    found = []
    if person.may("people.manage"):
        locked = (
            Login.objects.filter(locked_until__gt=clock.now(), person__left_on=None)
            .select_related("person")
            .order_by("locked_until")
        )
        found += [
            Todo(
                f"{x.person.name}的账号锁着，连错五次密码",
                f"/people/logins/{x.person_id}/",
                x.username,
                "lock",
                f"{clock.local(x.locked_until):%H:%M} 自动解开",
                "warn",
            )
            for x in locked[:5]
            if x.person and x.locked_until
        ]
    if person.may("audit.view"):
        if (late := seals.lag()) > ALARM_LAG:
            found.append(
                Todo(
                    "操作日志没有按时封存",
                    "/log/",
                    "有事务拖住了封存，或后台程序没在运行",
                    "alert-triangle",
                    f"晚了 {late.total_seconds() // 60:.0f} 分钟",
                    "bad",
                )
            )
        if _default_partition_used():
            found.append(
                Todo(
                    "操作日志缺一个月的分区，记录落在了备用分区",
                    "/log/",
                    "不丢数据，让后台程序运行起来就会补上",
                    "alert-triangle",
                    "",
                    "bad",
                )
            )
    return found


def _default_partition_used() -> bool:
    with connection.cursor() as cursor:
        for table in seals.TABLES:
            cursor.execute(
                f"SELECT EXISTS (SELECT FROM {table} WHERE tableoid = to_regclass(%s))", [f"{table}_default"]
            )
            if cursor.fetchone()[0]:
                return True
    return False
