"""What the company is called: the topmost unit's name, unless the installation says otherwise."""

import time

from django.conf import settings

from neiqin.kernel.people.models import Unit

KEPT_SECONDS = 60  # a company is renamed once in ten years; a minute later all processes know
UNNAMED = "内勤"

_kept: tuple[float, str] = (0.0, "")


def company_name() -> str:
    """The name for the screens' brand, mails and guests' pages; 内勤 before there is a company."""
    global _kept
    if settings.COMPANY_NAME:
        return settings.COMPANY_NAME
    now = time.monotonic()
    if not _kept[1] or now > _kept[0]:
        found = Unit.objects.filter(parent=None).order_by("pk").values_list("name", flat=True).first()
        _kept = (now + (KEPT_SECONDS if found else 0), found or UNNAMED)
    return _kept[1]
