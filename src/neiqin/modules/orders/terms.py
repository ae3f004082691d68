"""When money is due (practice.md 3.3); pure."""

import calendar
from datetime import date, timedelta


def after(base: date, days: int) -> date:
    """货到 n 天, 票到 n 天: calendar days after the base day."""
    return base + timedelta(days=days)


def month_end(delivered: date, days: int, cut_off: int = 31) -> date:
    """月结 n 天 with a cut-off day: the last day of the month of delivery, or of the next where the day is past the
    cut-off, and n days."""
    year, month = delivered.year, delivered.month
    if delivered.day > cut_off:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return date(year, month, calendar.monthrange(year, month)[1]) + timedelta(days=days)


def overdue(due: date, as_of: date) -> int:
    """Days over; 0 or less is 未到期, the due day itself included."""
    return (as_of - due).days
