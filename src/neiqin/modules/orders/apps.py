from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "neiqin.modules.orders"
    label = "orders"
