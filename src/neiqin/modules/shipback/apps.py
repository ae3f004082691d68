from django.apps import AppConfig


class ShipbackConfig(AppConfig):
    name = "neiqin.modules.shipback"
    label = "shipback"
