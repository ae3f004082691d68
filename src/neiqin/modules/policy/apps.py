from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate


class PolicyConfig(AppConfig):
    name = "neiqin.modules.policy"
    label = "policy"

    def ready(self) -> None:
        post_migrate.connect(_install, sender=self)


def _install(**_: Any) -> None:
    """The clauses as they are shipped, as soon as there is a place for them."""
    from neiqin.modules.policy import shipped  # models must be loaded first

    if "policy_clause" in connection.introspection.table_names():
        shipped.install()
