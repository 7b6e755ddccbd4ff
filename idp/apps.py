from django.apps import AppConfig


class IdpConfig(AppConfig):
    name = "idp"
    verbose_name = "Embedded identity providers"

    def ready(self) -> None:
        from idp import authentication  # noqa: F401 (connects its receiver)
