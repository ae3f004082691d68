from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "neiqin.modules.catalog"
    label = "catalog"
