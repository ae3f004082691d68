from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "neiqin.modules.tasks"
    label = "tasks"
