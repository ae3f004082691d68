from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ActionsConfig(AppConfig):
    name = "neiqin.kernel.actions"
    label = "actions"

    def ready(self) -> None:
        from neiqin.kernel.actions import lookups
        from neiqin.kernel.actions.install import install_after_migrate  # models must be loaded first

        lookups.register()
        post_migrate.connect(install_after_migrate, dispatch_uid="neiqin.actions.install")
