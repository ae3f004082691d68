from django.apps import AppConfig


class StockConfig(AppConfig):
    name = "neiqin.modules.stock"
    label = "stock"
