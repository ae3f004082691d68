from django.apps import AppConfig


class PoolConfig(AppConfig):
    name = "neiqin.modules.pool"
    label = "pool"
