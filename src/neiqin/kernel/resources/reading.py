"""Who opened which file with somebody's personal data in it, and the stop when that becomes too many (C-SEC-03).

One statement a page: a row for each person, record and hour, and how many this person has this hour.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.resources.models import Reading
from neiqin.kernel.resources.resource import Resource

_NOTE = """
WITH fresh AS (
    INSERT INTO resources_reading (person_id, hour, model, record_id, at)
    VALUES (%s, date_trunc('hour', %s), %s, %s, %s)
    ON CONFLICT DO NOTHING RETURNING 1)
SELECT (SELECT count(*) FROM fresh),
       (SELECT count(*) FROM resources_reading WHERE person_id = %s AND hour = date_trunc('hour', %s))
"""


def note(resource: Resource, person: Any, record_id: int) -> None:
    """This person opens this record. Raises PermissionDenied with a sentence beyond what an hour allows, where the
    company wants that; what was open this hour may be opened again."""
    if not resource.guarded or person.id is None:
        return
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [person.id, now, resource.key, record_id, now, person.id, now])
        fresh, before = cursor.fetchone()
    limits = person.limits
    if fresh and limits.stop and limits.reads and before + fresh > limits.reads:
        Reading.objects.filter(person_id=person.id, model=resource.key, record_id=record_id, at=now).delete()
        raise PermissionDenied(
            f"这一小时已经看了 {before} 份档案，到了上限。{clock.local(now).hour + 1} 点以后再看；"
            "急用找主管，主管已经收到提醒。"
        )
