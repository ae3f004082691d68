"""Against trying out: how often an address may come."""

from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.guests.models import Knock

MINUTE, TEN_MINUTES, DAY = 60, 600, 86400
MOST_PAGES = 120  # a minute from one address; a whole company may sit behind it
MOST_LINK = 60  # a minute at one link
MOST_WRONG = 20  # unknown links and wrong codes from one address in ten minutes
_COUNT = """
INSERT INTO guests_knock (key, span, count) VALUES (%s, %s, %s)
ON CONFLICT (key, span) DO UPDATE SET count = guests_knock.count + EXCLUDED.count RETURNING count
"""


def knocks(key: str, seconds: int, add: int = 1) -> int:
    """Count a knock (`add` 0: only look); gives how many there were in this span of `seconds`."""
    span = int(clock.now().timestamp()) // seconds * seconds
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key[:80], span, add])
        return int(cursor.fetchone()[0])


def too_many(address: str | None) -> bool:
    """Does this address come too often, or has it been wrong too often?"""
    wrong = knocks(f"wrong {address}", TEN_MINUTES, 0) >= MOST_WRONG
    return knocks(f"page {address}", MINUTE) > MOST_PAGES or wrong


def wrong(address: str | None) -> None:
    """An unknown link or a wrong code came from here."""
    knocks(f"wrong {address}", TEN_MINUTES)


def tidy() -> None:
    """Counts of yesterday are thrown away. Repeatable."""
    Knock.objects.filter(span__lt=int(clock.now().timestamp()) - DAY).delete()
