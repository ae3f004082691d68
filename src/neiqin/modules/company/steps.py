"""The steps of a company's first day, what of each is done, and what is still missing before real work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from neiqin.kernel import clock
from neiqin.kernel.deadlines import calendar
from neiqin.kernel.deadlines.models import Office
from neiqin.kernel.notices import sending
from neiqin.kernel.people.checks import holders_of_rights
from neiqin.kernel.people.models import Login, Person, Position, Unit
from neiqin.kernel.resources.resource import Todo, site
from neiqin.modules.company.entities import MANAGE
from neiqin.modules.company.models import Entity, Step

START = "/company/start/"


@dataclass(frozen=True)
class Doing:
    """What a step is about. fact: how it stands, one sentence, and whether that is enough; links: (label, address)."""

    code: str
    title: str
    why: str
    links: Sequence[tuple[str, str]]
    fact: Callable[[], tuple[bool, str]]


@dataclass(frozen=True)
class Stand:
    """A step as it stands. closed: done or skipped by somebody."""

    doing: Doing
    done: bool
    skipped: bool
    fact: str

    @property
    def open(self) -> bool:
        return not self.done and not self.skipped


def _entities() -> tuple[bool, str]:
    names = list(Entity.objects.order_by("pk").values_list("name", flat=True)[:3])
    return bool(names), "、".join(names) if names else "还没有。合同、发票、收款都要写明是哪一家。"


def _positions() -> tuple[bool, str]:
    count = Position.objects.count()
    return False, f"已按制度配好 {count} 个岗位和权限，看一眼合不合用。"


def _people() -> tuple[bool, str]:
    people, units = Person.objects.filter(left_on=None).count(), Unit.objects.filter(closed_on=None).count()
    logins = Login.objects.filter(person__left_on=None).count()
    return people > 1, f"{units} 个部门，{people} 人，{logins} 人有账号。"


def _numbers() -> tuple[bool, str]:
    return False, "从原来系统的最后一个编号接着排，不接就从 1 开始。"


def _calendar() -> tuple[bool, str]:
    year, hours = clock.today().year, Office.objects.values_list("hours", flat=True).first()
    known = "已经有" if calendar.published(year) else "还没有"
    return False, f"{year} 年的放假调休{known}，上班时间 {hours}。"


def _output() -> tuple[bool, str]:
    return sending.mail_works(), "邮件已配好。" if sending.mail_works() else "邮件没有配，消息只在系统里。"


def _tables() -> tuple[bool, str]:
    counts = [(r, r.model.objects.count()) for r in site().resources.values() if r.section == "业务" and r.create]
    there = [f"{r.label} {n:,} {r.noun}" for r, n in counts if n]
    return bool(there), f"{'，'.join(there)}。" if there else "把原来的客户表传上来，先试算，不对可以整批撤销。"


STEPS = (
    Doing("entity", "我方主体", "自己有哪几家公司，账户是哪些", [("新建我方主体", "/company/entity/new/")], _entities),
    Doing("positions", "岗位和权限", "谁能看、能改、能批什么",
          [("看岗位", "/people/position/"), ("看权限", "/people/rights/")], _positions),
    Doing("people", "部门和人员", "从 Excel 贴一张名单，账号一起开好", [("贴名单", f"{START}people/")], _people),
    Doing("numbers", "编号", "接着原来的编号往下排", [("接编号", f"{START}numbers/")], _numbers),
    Doing("calendar", "日历和上班时间", "时限按它算", [("看日历", "/deadlines/calendar/")], _calendar),
    Doing("output", "打印和消息", "打一张测试页，试发一封邮件",
          [("打印测试页", f"{START}page.pdf"), ("试发消息", "/notices/channels/")], _output),
    Doing("tables", "原来的表格", "客户从 Excel 导入", [("导入客户", "/imports/?kind=customers.customer")], _tables),
)  # fmt: skip
CODES = {doing.code for doing in STEPS}


def stands() -> list[Stand]:
    """Every step as it stands now."""
    closed = dict(Step.objects.values_list("code", "done"))
    found = []
    for doing in STEPS:
        enough, fact = doing.fact()
        done = enough or closed.get(doing.code, False)
        found.append(Stand(doing, done, not done and doing.code in closed, fact))
    return found


def close(code: str, *, done: bool) -> None:
    """Mark a step as done, or leave it out for now."""
    Step.objects.update_or_create(code=code, defaults={"done": done, "at": clock.now()})


def take_up(code: str) -> None:
    """Open a step again."""
    Step.objects.filter(code=code).delete()


def missing() -> list[tuple[str, str]]:
    """What real work would still want: (fact, remedy)."""
    found = []
    if not settings.HTTPS:
        found.append((
            "现在用 http，同一个网络里的人能截到密码和客户资料。",
            "照运行手册「反向代理和证书」一节配好证书，再设 NEIQIN_HTTPS=1。只在一台电脑上用可以不管。",
        ))  # fmt: skip
    if not settings.PUBLIC_URL:
        found.append(("消息和二维码里的链接还不知道网址。", "设 NEIQIN_URL，例如 http://192.168.1.20:8000。"))
    if not sending.mail_works():
        found.append(("邮件没有配。", "设 NEIQIN_SMTP_URL 和 NEIQIN_MAIL_FROM，消息就能发到邮箱。"))
    if len(holders_of_rights()) < 2:
        found.append(("只有一个人能改权限，他忘了密码或离开，就没人能改了。", "给第二个人系统管理员岗位。"))
    found.append(("备份要自己安排。", "每天运行 neiqin backup，密钥另外收好；照运行手册试一次恢复。"))
    return found


def to_do(person: Any) -> list[Todo]:
    """On the workbench of who may do it, while steps are open."""
    if settings.PRACTICE or not person.may(MANAGE):
        return []
    left = [s.doing.title for s in stands() if s.open]
    if not left:
        return []
    return [Todo(f"开张还差 {len(left)} 步", START, "、".join(left), "flag")]
