from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants and their people"

    def ready(self) -> None:
        from tenants import offboarding

        offboarding.connect()
