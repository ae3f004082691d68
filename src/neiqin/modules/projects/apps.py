from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "neiqin.modules.projects"
    label = "projects"
