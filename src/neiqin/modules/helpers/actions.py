"""What is done with loans: asked for, agreed or refused by who leads the helper, withdrawn, ended early (C-ORG-07)."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import creating
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.actors import own_scopes
from neiqin.kernel.people.models import Collaborator, Person
from neiqin.kernel.people.rights import label_of
from neiqin.kernel.resources.references import unseen
from neiqin.modules.helpers import fields
from neiqin.modules.helpers.models import AGREED, ASKED, ENDED, NUMBERS, REFUSED, RIGHTS, VOID, Loan

KEY, URL = "helpers.loan", "/helpers/loan/"
VIEW, CREATE = "helpers.view", "helpers.create"
MOST_DAYS = 92
LOAN = Shape(fields.LOAN)
ASKING = Kind("helpers.asked", "借调请求", MAIL)
TOLD = Kind("helpers.news", "借调的答复和变化", MAIL)
REASON = Field("reason", "原因", required=True, maxlength=200)


def _fit(batch: NewBatch[Loan]) -> Mapping[int, Refusal]:
    problems = dict(unseen(LOAN, batch.rows, batch.by))
    held = own_scopes(batch.by.id, clock.today()) if batch.by.id else {}
    people = Person.objects.in_bulk({row["helper"] for row in batch.rows.values()})
    for position, row in batch.rows.items():
        refusal = _unfit_job(row) or _unfit_days(row) or _unfit_helper(people.get(row["helper"]), batch.by)
        missing = next((p for p in RIGHTS[row["work"]] if p not in held), None)
        if refusal is None and missing:
            refusal = Refusal(f"你自己没有「{label_of(missing)}」的权限，不能请人来做，换一样，或请主管来借。", "work")
        if refusal:
            problems.setdefault(position, refusal)
    return problems | _twice({p: row for p, row in batch.rows.items() if p not in problems})


def _unfit_job(row: Mapping[str, Any]) -> Refusal | None:
    given = [name for name in ("promotion", "order", "of_unit") if row[name]]
    if len(given) != 1:
        return Refusal(
            "「为哪个促销」「为哪张大单」「为哪个部门的积压」填一样，只填一样。", given[1] if given else "promotion"
        )
    if bool(row["of_unit"]) != bool(row["backlog"]):
        return Refusal("积压要写清哪个部门、在哪一步，两样一起填。", "backlog" if row["of_unit"] else "of_unit")
    return None


def _unfit_days(row: Mapping[str, Any]) -> Refusal | None:
    if row["from_on"] < clock.today():
        return Refusal("「第一天」已经过了，从今天或以后开始。", "from_on")
    if row["until_on"] < row["from_on"]:
        return Refusal(f"「最后一天」早于第一天 {row['from_on']}，改其中一个。", "until_on")
    if (row["until_on"] - row["from_on"]).days >= MOST_DAYS:
        return Refusal(f"一次最多借 {MOST_DAYS} 天，改「最后一天」；要更久，办调岗。", "until_on")
    return None


def _unfit_helper(helper: Person | None, by: Any) -> Refusal | None:
    if helper is None or helper.left_on is not None:
        return Refusal("这个人已离职或不存在，换一位。", "helper")
    if helper.pk == by.id:
        return Refusal("不能借自己，换一位。", "helper")
    return None


def _twice(rows: Mapping[int, Mapping[str, Any]]) -> dict[int, Refusal]:
    """Somebody is asked for once for the same job and the same days; other jobs of those days are her manager's say."""
    known = list(Loan.objects.filter(
        helper__in={row["helper"] for row in rows.values()}, state__in=(ASKED, AGREED), until_on__gte=clock.today()
    ).order_by("pk")) if rows else []  # fmt: skip
    return {
        p: Refusal(f"这几天已经为这件事借了他（{x.number}，到 {x.until_on}），错开日期或换一位。", "helper")
        for p, row in rows.items() for x in reversed(known)
        if x.helper_id == row["helper"] and x.from_on <= row["until_on"] and row["from_on"] <= x.until_on
        and (x.promotion_id, x.order_id, x.of_unit_id, x.backlog)
        == (row["promotion"], row["order"], row["of_unit"], row["backlog"] or "")
    }  # fmt: skip


def _asked(batch: NewBatch[Loan]) -> None:
    """Helper and lender see it; the lender is asked, unless it is he who asks."""
    loans = batch.records
    pairs = {(x.pk, person) for x in loans for person in (x.helper_id, x.lender_id) if person != batch.by.id}
    Collaborator.objects.bulk_create(
        [Collaborator(model=KEY, record_id=loan, person_id=person) for loan, person in sorted(pairs)],
        ignore_conflicts=True,
    )
    names = dict(Person.objects.filter(pk__in={x.helper_id for x in loans}).values_list("pk", "name"))
    tell_each([
        News(x.lender_id, f"{batch.by.name}想借{names[x.helper_id]}：{x.name}", f"{_days(x)}。{x.why}",
             f"{URL}{x.pk}/", ASKING.name, about=(KEY, x.pk), run=batch.run)
        for x in loans if x.state == ASKED
    ])  # fmt: skip
    _tell_helper([x for x in loans if x.state == AGREED], batch)


def _days(loan: Loan) -> str:
    return f"{loan.from_on:%m-%d} 到 {loan.until_on:%m-%d}"


def _tell_helper(loans: Iterable[Loan], batch: Any) -> None:
    tell_each([
        News(x.helper_id, f"你借调到：{x.name}", f"{_days(x)}。{x.why}", f"{URL}{x.pk}/", TOLD.name, about=(KEY, x.pk),
             run=batch.run)
        for x in loans
    ])  # fmt: skip


def _tell(loans: Batch[Loan], words: str, text: str = "", *, helper: bool = False) -> None:
    """Who asked and who lends, and the helper where it concerns her; nobody of what he did himself."""
    tell_each([
        News(person, f"{words}：{x.name}", text or _days(x), f"{URL}{x.pk}/", TOLD.name, about=(KEY, x.pk),
             run=loans.run)
        for x in loans
        for person in sorted({x.owner_id, x.lender_id} | ({x.helper_id} if helper else set()))
        if person != loans.by.id
    ])  # fmt: skip


create = creating(Loan, LOAN, numbers=NUMBERS, check=_fit, after=_asked, label="借人", may=CREATE)


def _by_lender(loans: Batch[Loan]) -> None:
    loans.refuse({x.pk: "由出借部门的负责人来定。" for x in loans if x.lender_id != loans.by.id})


@action(Loan, "同意", may=VIEW, from_=ASKED, to=AGREED, event="agreed", icon="check", primary=True, key="S")
def agree(loans: Batch[Loan]) -> None:
    """The helper has the job's rights from the first day on, and no more after the last."""
    _by_lender(loans)
    today = clock.today()
    loans.refuse({
        x.pk: Refusal(f"最后一天 {x.until_on} 已经过了，请对方改日期重提。", "until_on")
        for x in loans if x.until_on < today
    })  # fmt: skip
    loans.set(answered_at=loans.now)
    _tell(loans, "借调已同意")
    _tell_helper(loans, loans)


@action(Loan, "不同意", may=VIEW, from_=ASKED, to=REFUSED, event="refused", icon="x", bulk=False)
def refuse(loans: Batch[Loan], *, reason: Annotated[str, REASON]) -> None:
    """She stays where she is; who asked hears why."""
    _by_lender(loans)
    loans.set(answer=reason, answered_at=loans.now)
    loans.tell({i: {"reason": reason} for i in loans.ids})
    _tell(loans, "借调没有同意", reason)


@action(Loan, "撤回", may=CREATE, from_=ASKED, to=VOID, event="voided", icon="circle-x", danger=True)
def withdraw(loans: Batch[Loan]) -> None:
    """It is not needed any more; nobody had got anything by it."""
    loans.refuse({x.pk: "不是你借的，由谁要人谁来撤。" for x in loans if x.owner_id != loans.by.id})
    _tell(loans, "借调已撤回")


@action(Loan, "提前结束", may=VIEW, from_=AGREED, to=ENDED, event="ended", icon="hand-stop", danger=True, bulk=False)
def end(loans: Batch[Loan], *, reason: Annotated[str, REASON]) -> None:
    """Who asked or who lends ends it; what it opened is closed from this moment on."""
    loans.refuse({x.pk: "由要人的人或出借部门的负责人来结束。" for x in loans
                  if loans.by.id not in (x.owner_id, x.lender_id)})  # fmt: skip
    today = clock.today()
    loans.refuse({x.pk: f"{x.until_on} 已经到期，权限已自动收回。" for x in loans if x.until_on < today})
    loans.set(ended_note=reason)
    loans.tell({i: {"reason": reason} for i in loans.ids})
    _tell(loans, "借调提前结束", reason, helper=True)
