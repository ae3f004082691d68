"""Bring Django up in this process under one of the two database roles."""

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path


def setup_as(role: str) -> None:
    """role: `owner` for migrations, `app` for everything else. Only the first call in a process counts."""
    os.environ["NEIQIN_DB_ROLE"] = role
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neiqin.config.settings")
    import django

    django.setup()
    keep_temporary_files_at_home()


def keep_temporary_files_at_home() -> None:
    """Uploads and exports on their way lie in the data folder, which only we may read, not where everybody's do; what
    a killed process left there goes after a day."""
    from django.conf import settings

    folder = Path(settings.FILES).parent / "tmp"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = time.time() - 86_400
    for left in folder.iterdir():
        with suppress(OSError):
            if left.stat().st_mtime < before:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    tempfile.tempdir = str(folder)
