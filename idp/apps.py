from django.apps import AppConfig


class IdpConfig(AppConfig):
    name = "idp"
    verbose_name = "Embedded identity providers"

    def ready(self) -> None:
        from idp import authentication, named_people  # noqa: F401 (the first connects its receiver)

        named_people.listen()
