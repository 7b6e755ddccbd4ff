from django.apps import AppConfig


class WikiConfig(AppConfig):
    name = "wiki"
    verbose_name = "Wiki0"

    def ready(self) -> None:
        from wiki import debug_console

        debug_console.connect()
