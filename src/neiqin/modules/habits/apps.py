from django.apps import AppConfig


class HabitsConfig(AppConfig):
    name = "neiqin.modules.habits"
    label = "habits"
