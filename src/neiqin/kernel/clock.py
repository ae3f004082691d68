"""The one source of "now" and "today", so that tests and time travel can set them.

Moments are aware and in UTC. "Today" is the company's business date, in its own time zone.
"""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def zone() -> ZoneInfo:
    """The company's time zone (setting COMPANY_TIME_ZONE, default Asia/Shanghai)."""
    return ZoneInfo(settings.COMPANY_TIME_ZONE)


def today() -> date:
    """The company's business date of this moment."""
    return now().astimezone(zone()).date()


def local(moment: datetime) -> datetime:
    """A moment on the company's wall clock."""
    return moment.astimezone(zone())


def midnight(day: date) -> datetime:
    """The moment a business date begins, in UTC."""
    return datetime.combine(day, time(), zone()).astimezone(UTC)
