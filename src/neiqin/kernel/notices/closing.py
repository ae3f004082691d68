"""日清: towards the end of a working day everybody hears once what still must not stay open today."""

from datetime import time

from neiqin.kernel import clock
from neiqin.kernel.jobs.queue import defer, job
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.notices.tell import DIGEST, Kind, News, tell_each
from neiqin.kernel.notices.times import is_quiet_day
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.home import waiting
from neiqin.kernel.people.models import Login

KIND = Kind("closing", "日清", DIGEST)
JOB = "notices.closing"
FROM, UNTIL = time(17, 25), time(18)  # before 17:30, so that the mail that sums up then has it
NAMED = 5  # things that are called by name


def every_minute() -> None:
    """On working days, from FROM on, until somebody has been told: have the job look."""
    now = clock.local(clock.now())
    if FROM <= now.time() < UNTIL and not is_quiet_day(now.date()):
        key = f"closing-{now.date()}"
        if not Notice.objects.filter(kind=KIND.name, key=key).exists():
            defer(JOB, key=key, day=str(now.date()))


@job(JOB)
def tell_all(day: str) -> int:
    """Everybody who can sign in and has something overdue or due today, once a day; all in one transaction, so that a
    killed run begins anew. Gives how many were told."""
    people = Login.objects.filter(is_active=True, person__left_on=None, person__isnull=False)
    told = [one for p in people.order_by("pk").values_list("person_id", flat=True) if (one := _news(p, day))]
    return tell_each(told)


def _news(person: int | None, day: str) -> News | None:
    pressing = [t for t in waiting(actor_of(person or 0)) if t.urgency != "later"]
    if not pressing or person is None:
        return None
    named = "；".join(t.title for t in pressing[:NAMED])
    more = f"；还有 {len(pressing) - NAMED} 件" if len(pressing) > NAMED else ""
    return News(person, f"日清：今天还有 {len(pressing)} 件没办完", f"{named}{more}。办掉，或者改个日期再下班。", "/",
                KIND.name, key=f"closing-{day}")  # fmt: skip
