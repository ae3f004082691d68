"""Works on one import until it needs a person, in a process of its own. It is there to be killed."""

from pathlib import Path

from django.conf import settings

from neiqin.kernel.exchange import working


def work(imp: int, files: str, part: int) -> None:
    """Say so, then work."""
    settings.FILES, working.PART = Path(files), part
    print("at work", flush=True)  # noqa: T201
    working.work(import_id=imp)
