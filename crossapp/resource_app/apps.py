from django.apps import AppConfig


class ResourceAppConfig(AppConfig):
    name = "crossapp.resource_app"
    label = "resource_app"
    verbose_name = "Cross-app access: resource app"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crossapp.resource_app import checks  # noqa: F401
