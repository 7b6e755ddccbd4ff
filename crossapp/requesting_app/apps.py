from django.apps import AppConfig


class RequestingAppConfig(AppConfig):
    name = "crossapp.requesting_app"
    label = "crossapp_requesting"
    verbose_name = "Cross-app access: requesting app"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the system checks)
