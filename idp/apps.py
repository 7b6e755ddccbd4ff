from django.apps import AppConfig


class IdpConfig(AppConfig):
    name = "idp"
    verbose_name = "Embedded identity providers"

    def ready(self) -> None:
        from idp import authentication, orphaned_policies  # noqa: F401 (the first connects its receiver)

        orphaned_policies.listen()
