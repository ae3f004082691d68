from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "neiqin.kernel.approvals"
    label = "approvals"
    verbose_name = "校验"
