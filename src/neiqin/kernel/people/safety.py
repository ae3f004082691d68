"""Safety of signing in and reading: settings, what they mean for one person, going through the rights (C-SEC-05)."""

import ipaddress
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Annotated, Any

from allauth.mfa.models import Authenticator
from django.db.models import Q

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.people.models import Appointment, Grant, Login, PositionRole, Safety
from neiqin.kernel.people.scope import SYSTEM, Limits

RIGHTS = "people.rights"
ADMINISTRATION = frozenset({"people.manage", RIGHTS, "notices.channels", "rules.manage", "deadlines.manage"})
# What takes data out of the house, shows it in full or gives rights: the review puts these first.
WEIGHTY = ("exchange.personal", "exchange.export", "customers.reveal", RIGHTS, "people.manage", "audit.view")

DAYS = Field(
    "password_days", "密码几天换一次", "number", required=True, min=0, max=3650, help="0 就不要求。等保建议 90"
)
NETWORKS = Field(
    "admin_addresses", "只能在这些地址上做管理", maxlength=500, help="例如 192.168.1.0/24，几段用逗号隔开。空着不限"
)
READS = Field(
    "reads_an_hour", "一小时看多少份档案要提醒", "number", required=True, min=0, max=100_000, help="0 就不提醒"
)
STOP = Field("reads_stop", "超过就不给看了", "bool", help="到下一个小时再给看")
REVIEW = Field("review_days", "几天复核一次权限", "number", required=True, min=0, max=3650, help="0 就不提醒")
NOTE = Field("note", "复核结论", "long", required=True, maxlength=500, help="看了哪些，改了什么")


def limits_of(person_id: int, day: date) -> Limits:
    """What the settings ask of this person today. factor: by any of her positions."""
    found = Safety.objects.values_list("password_days", "admin_addresses", "reads_an_hour", "reads_stop").first()
    if found is None:
        return Limits()
    in_force = Q(from_on__lte=day) & (Q(until_on=None) | Q(until_on__gt=day))
    factor = Appointment.objects.filter(in_force, person_id=person_id, position__sensitive=True).exists()
    days, networks, reads, stop = found
    return Limits(tuple(filter(None, networks.split(","))), factor, days, reads, stop)


def inside(address: str | None, networks: Sequence[str]) -> bool:
    """Whether an address lies in one of the networks; every one does when there are none."""
    if not networks:
        return True
    try:
        here = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(here in _network(text) for text in networks)


@cache
def _network(text: str) -> Any:
    return ipaddress.ip_network(text, strict=False)


def lacks_factor(login: Any) -> bool:
    """Whether this login has no second factor set up."""
    return not Authenticator.objects.filter(user_id=login.pk, type=Authenticator.Type.TOTP).exists()


def password_is_old(login: Any, days: int) -> bool:
    """Whether the password has been in use for longer than so many days. A login made by a program has no date."""
    changed = login.password_changed_at
    return bool(days and changed and changed + timedelta(days=days) < clock.now())


@action(Safety, "改登录安全", may=RIGHTS, event="changed", button=False, bulk=False)
def set_safety(
    rows: Batch[Safety],
    *,
    password_days: Annotated[int, DAYS],
    reads_an_hour: Annotated[int, READS],
    reads_stop: Annotated[bool, STOP],
    review_days: Annotated[int, REVIEW],
    admin_addresses: Annotated[str, NETWORKS] = "",
) -> None:
    """How safe signing in and reading are to be. Nobody locks himself out: his own address must be inside."""
    networks = [part for part in admin_addresses.replace("，", ",").replace(" ", "").split(",") if part]
    for text in networks:
        try:
            _network(text)
        except ValueError:
            refusal = Refusal(f"「{text}」不是地址段，写成 192.168.1.0/24 或 192.168.1.20。", "admin_addresses")
            rows.refuse(dict.fromkeys(rows.ids, refusal))
            return
    if not inside(rows.by.address, networks):
        text = f"现在用的地址 {rows.by.address} 不在里面，存了自己就不能管理了。把它加进去。"
        rows.refuse(dict.fromkeys(rows.ids, Refusal(text, "admin_addresses")))
        return
    rows.set(
        password_days=password_days, admin_addresses=",".join(networks), reads_an_hour=reads_an_hour,
        reads_stop=reads_stop, review_days=review_days,
    )  # fmt: skip


@action(Safety, "权限复核完成", may=RIGHTS, event="reviewed", button=False, bulk=False)
def close_review(rows: Batch[Safety], *, note: Annotated[str, NOTE]) -> None:
    """The rights were gone through today; what came of it stays in the log."""
    rows.tell({key: {"note": note} for key in rows.ids})
    rows.set(reviewed_on=clock.today())


def let_in(username: str) -> str:
    """Unlock a login and lift the networks of administration, from the machine itself; says what was done.

    Raises LookupError for a login that is not there.
    """
    login = Login.objects.filter(username=username.strip().lower()).first()
    if login is None:
        raise LookupError(f"没有「{username}」这个账号。")
    row = Safety.objects.get()
    if row.admin_addresses:
        kept = {f.name: getattr(row, f.name) for f in set_safety.shape.fields} | {"admin_addresses": ""}
        perform(set_safety, [row.pk], by=SYSTEM, params=kept, source="cli")
    Login.objects.filter(pk=login.pk).update(failures=0, locked_until=None)
    history.note("login.unlocked", by=SYSTEM, source="cli", params={"login": login.username})
    return f"账号 {login.username} 可以登录了" + ("，管理地址限制已取消。" if row.admin_addresses else "。")


def review_due() -> date | None:
    """The day by which the rights are to be gone through again; None when nobody asks for it."""
    found = Safety.objects.values_list("review_days", "reviewed_on", "created_at").first()
    if not found or not found[0]:
        return None
    return (found[1] or clock.local(found[2]).date()) + timedelta(days=found[0])


def holders(permission: str) -> list[int]:
    """The persons who hold a permission by an appointment today."""
    day = clock.today()
    in_force = Q(from_on__lte=day) & (Q(until_on=None) | Q(until_on__gt=day))
    roles = Grant.objects.filter(permission=permission).values("role_id")
    positions = PositionRole.objects.filter(role_id__in=roles).values("position_id")
    found = Appointment.objects.filter(in_force, position_id__in=positions, person__left_on=None)
    return list(found.order_by("person_id").values_list("person_id", flat=True).distinct())


@dataclass
class Holding:
    """Who holds one permission today: (person id, name, position, scope in words)."""

    permission: str
    label: str
    module: str
    people: list[tuple[int, str, str, str]] = field(default_factory=list)


def holdings(labels: Sequence[tuple[str, dict[str, str]]]) -> list[Holding]:
    """Every permission with the persons who hold it by an appointment, the weighty ones first."""
    day = clock.today()
    in_force = Q(from_on__lte=day) & (Q(until_on=None) | Q(until_on__gt=day))
    roles: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for role, permission, scope in Grant.objects.values_list("role_id", "permission", "scope"):
        roles[role].append((permission, Grant.Scope(scope).label))
    positions: dict[int, list[int]] = defaultdict(list)
    for position, role in PositionRole.objects.values_list("position_id", "role_id"):
        positions[position].append(role)
    found = {p: Holding(p, label, module) for module, group in labels for p, label in group.items()}
    held = Appointment.objects.filter(in_force, person__left_on=None).order_by("person__pinyin")
    for person, name, title, position in held.values_list("person_id", "person__name", "position__name", "position_id"):
        for role in positions.get(position, ()):
            for permission, scope in roles.get(role, ()):
                if permission in found:
                    found[permission].people.append((person, name, title, scope))
    order = {p: n for n, p in enumerate(WEIGHTY)}
    return sorted(found.values(), key=lambda h: (order.get(h.permission, len(order)), h.module))
