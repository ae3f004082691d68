"""Bring Django up in this process under one of the two database roles."""

import os


def setup_as(role: str) -> None:
    """role: `owner` for migrations, `app` for everything else. Only the first call in a process counts."""
    os.environ["NEIQIN_DB_ROLE"] = role
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neiqin.config.settings")
    import django

    django.setup()
