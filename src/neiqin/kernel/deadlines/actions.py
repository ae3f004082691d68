"""What an administrator does to the working calendar. Each change recomputes all open clocks in the same run."""

from typing import Annotated

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.deadlines import calendar, watch, years
from neiqin.kernel.deadlines.models import MANAGE, Day, Office
from neiqin.kernel.fields.field import Field

YEAR = Field("year", "年份", "number", required=True, min=2000, max=2100)
TABLE = Field("table", "日期和类型", "long", required=True, maxlength=60_000)
SOURCE = Field("source", "依据", maxlength=200, help="通知的文号或网址")
HOURS = Field("hours", "上班时间", required=True, maxlength=200, help="09:00-12:00,13:00-18:00，午休不写")


@action(Office, "导入节假日", may=MANAGE, event="year_imported", icon="calendar", button=False, bulk=False)
def import_year(
    offices: Batch[Office],
    *,
    year: Annotated[int, YEAR],
    table: Annotated[str, TABLE],
    source: Annotated[str, SOURCE] = "",
) -> None:
    """Replace one year as a whole; days the table does not name follow their weekday."""
    try:
        wanted = years.whole(year, years.read(table, year))
    except years.BadYear as error:
        offices.refuse(dict.fromkeys(offices.ids, Refusal(str(error), "table")))
        return
    if not replace_year(wanted, source):
        offices.leave(offices.ids)
        return
    _moved(offices, offices.records[0].hours, f"{year} 年")


@action(Office, "改上班时间", may=MANAGE, event="hours_changed", icon="clock", button=False, bulk=False)
def set_hours(offices: Batch[Office], *, hours: Annotated[str, HOURS]) -> None:
    """The hours in which clocks run."""
    try:
        written = calendar.write_hours(calendar.parse_hours(hours))
    except ValueError as error:
        offices.refuse(dict.fromkeys(offices.ids, Refusal(str(error), "hours")))
        return
    if all(office.hours == written for office in offices):
        offices.leave(offices.ids)
        return
    offices.set(hours=written)
    _moved(offices, written, written)


def replace_year(wanted: list[years.Entry], source: str) -> int:
    """Write the days that differ; gives how many. Set-wise: new ones in one statement, changed ones in another."""
    year = wanted[0].date.year
    present = {d.date: d for d in Day.objects.filter(date__year=year)}
    new, changed = [], []
    for entry in wanted:
        values = {"kind": entry.kind, "name": entry.name, "statutory": entry.statutory}
        day = present.get(entry.date)
        if day is None:
            new.append(Day(date=entry.date, source=source, **values))
        elif any(getattr(day, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(day, name, value)
            day.source = source
            changed.append(day)
    Day.objects.bulk_create(new)
    Day.objects.bulk_update(changed, ["kind", "name", "statutory", "source"])
    return len(new) + len(changed)


def _moved(offices: Batch[Office], hours: str, what: str) -> None:
    moved = watch.recompute(calendar.load(hours), offices.run, offices.now)
    offices.tell({i: {"note": f"{what}，{len(moved)} 个期限随之移动", "moved": len(moved)} for i in offices.ids})
