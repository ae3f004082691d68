from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate


class RulesConfig(AppConfig):
    name = "neiqin.kernel.rules"
    label = "rules"
    verbose_name = "规则"

    def ready(self) -> None:
        post_migrate.connect(_install, sender=self)


def _install(**_: Any) -> None:
    """The tables that modules ship, as soon as there is a place for them."""
    from neiqin.kernel.resources.resource import site  # models must be loaded first
    from neiqin.kernel.rules import defaults

    if "rules_version" in connection.introspection.table_names():
        site()
        defaults.install()
