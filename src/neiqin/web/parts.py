"""Small drawn parts for the templates: icons, avatars, changes, bars and sparklines, all without inline styles."""
# ruff: noqa: S704 (markup is built by hand here, and every value in it is escaped or a figure)

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from markupsafe import Markup, escape

from neiqin.web.formats import number


@cache
def _sprite() -> str:
    try:
        return staticfiles_storage.url("neiqin/icons.svg")
    except ValueError:  # no manifest was collected: tests and development
        return f"{settings.STATIC_URL}neiqin/icons.svg"


@cache
def icon(name: str, size: str = "") -> Markup:
    """A Tabler icon of the sprite; size is "", s14, s18 or s22."""
    css = f"icon {size}" if size else "icon"
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(css, _sprite(), name)


def av(person: Any, size: str = "") -> Markup:
    """A person's round initial; size is "" or lg."""
    css = f"av {size}" if size else "av"
    return Markup('<span class="{}" data-h="{}" aria-hidden="true">{}</span>').format(css, person.hue, person.initial)


def delta(change: Any, unit: str = "%", up_is_good: bool | None = True) -> Markup:
    """A change: the arrow is the direction, the colour whether that is good; None colours nothing."""
    up = change > 0
    good = "" if up_is_good is None or not change else int(up == up_is_good)
    arrow = icon("arrow-up-right" if up else "arrow-down-right") if change else ""
    word = "升" if up else "降" if change else "平"
    return Markup('<span class="delta" data-good="{}">{}<span class="vh">{}</span>{}{}</span>').format(
        good, arrow, word, number(abs(change)), unit
    )


def bar(percent: float, text: str, target: float | None = None, tone: str = "") -> Markup:
    """A bar from zero with an optional target tick, and its text beside it."""
    tick = Markup('<path class="tk" d="M{:.1f} 1v10"/>').format(84 * target / 100) if target is not None else ""
    return Markup(
        '<span class="hbar" data-tone="{}"><svg width="84" height="12" viewBox="0 0 84 12" aria-hidden="true">'
        '<rect class="bg" y="4" width="84" height="4" rx="2"/><rect class="v" y="4" width="{:.1f}" height="4" rx="2"/>'
        "{}</svg><span>{}</span></span>"
    ).format(tone, 84 * min(100.0, max(0.0, percent)) / 100, tick, text)


def spark(points: Sequence[float], label: str, target: float | None = None, tone: str = "") -> Markup:
    """A small line of the points with its end marked; label is what a reader hears."""
    low = min([*points, *([target] if target is not None else [])])
    high = max([*points, *([target] if target is not None else [])])

    def y(value: float) -> float:
        return 25 - 22 * (value - low) / ((high - low) or 1)

    step = 88 / max(1, len(points) - 1)
    line = " ".join(f"{2 + i * step:.1f},{y(value):.1f}" for i, value in enumerate(points))
    goal = f'<line class="tg" x1="0" x2="92" y1="{y(target):.1f}" y2="{y(target):.1f}"/>' if target is not None else ""
    return Markup(
        f'<svg class="spark" data-tone="{escape(tone)}" width="92" height="28" viewBox="0 0 92 28" role="img" '
        f'aria-label="{escape(label)}">{goal}<polygon class="ar" points="2,28 {line} 90,28"/>'
        f'<polyline class="ln" points="{line}"/><circle class="pt" cx="90" cy="{y(points[-1]):.1f}" r="3"/></svg>'
    )
