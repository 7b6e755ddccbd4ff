from django.apps import AppConfig


class ResourceAppConfig(AppConfig):
    name = "crossapp.resource_app"
    label = "crossapp_resource"
    verbose_name = "Cross-app access: resource app"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401
