from django.apps import AppConfig


class FollowupsConfig(AppConfig):
    name = "neiqin.modules.followups"
    label = "followups"
