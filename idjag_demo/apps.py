from django.apps import AppConfig
from django.contrib import admin
from django.contrib.auth.signals import user_logged_in


class IdjagDemoConfig(AppConfig):
    name = "idjag_demo"
    verbose_name = "idjag_demo"

    def ready(self) -> None:
        from idjag_demo import checks  # noqa: F401
        from idjag_demo.middleware import start_session

        user_logged_in.connect(start_session)
        admin.site.site_header = admin.site.site_title = "idjag_demo"
        admin.ModelAdmin.list_max_show_all = (
            admin.ModelAdmin.list_per_page
        )  # no list of this project shows more on a page
