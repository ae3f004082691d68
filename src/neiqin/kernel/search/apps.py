from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "neiqin.kernel.search"
    label = "search"
    verbose_name = "搜索"
