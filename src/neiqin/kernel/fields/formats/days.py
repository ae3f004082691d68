"""Days as people say them: 明天, 3天后, 下周一, 月底, 11-30."""

import re
from calendar import monthrange
from datetime import date, timedelta

_NAMED = {"今天": 0, "明天": 1, "后天": 2, "大后天": 3}
_WEEKDAYS = "一二三四五六日"
_AFTER = re.compile(r"(\d{1,3})\s*(天|周|个月)后")
_WEEK = re.compile(r"(下下|下|这|本)?(?:周|星期|礼拜)([一二三四五六日天])")
_DAY = re.compile(r"(?:(\d{1,2})月)?(\d{1,2})[日号]|(\d{1,2})[-/.](\d{1,2})")


def day_in_words(word: str, today: date) -> date | None:
    """The day a word means, seen from today; None for a word that is no day. A weekday that is over means the next one;
    a day of a month that is over means next year's."""
    word = word.strip()
    if word in _NAMED:
        return today + timedelta(days=_NAMED[word])
    if word == "月底":
        return today.replace(day=monthrange(today.year, today.month)[1])
    if found := _AFTER.fullmatch(word):
        days = {"天": 1, "周": 7, "个月": 30}[found[2]]
        return today + timedelta(days=int(found[1]) * days)
    if found := _WEEK.fullmatch(word):
        return _weekday(found[1] or "", _WEEKDAYS.index(found[2].replace("天", "日")), today)
    if found := _DAY.fullmatch(word):
        return _of_month(int(found[1] or found[3] or today.month), int(found[2] or found[4]), today)
    return None


def _weekday(which: str, weekday: int, today: date) -> date:
    day = today + timedelta(days=weekday - today.weekday() + {"下": 7, "下下": 14}.get(which, 0))
    return day + timedelta(days=7) if day < today else day


def _of_month(month: int, day: int, today: date) -> date | None:
    for year in (today.year, today.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            return None
        if found >= today:
            return found
    return None
