"""The scopes of each authorization server."""

from typing import Any

from oauth2_provider.scopes import BaseScopes

from authserver.models import AuthorizationServer, Client


class ServerScopes(BaseScopes):
    """django-oauth-toolkit's scopes backend, per server and client. There are no default scopes."""

    def get_all_scopes(self) -> dict[str, str]:
        return {scope: scope for scopes in AuthorizationServer.SCOPES.values() for scope in scopes}

    def get_available_scopes(
        self, application: Client | None = None, request: Any = None, *args: Any, **kw: Any
    ) -> list[str]:
        if application is None:
            return []
        return [scope for scope in application.server.scopes if scope in application.scope.split()]

    def get_default_scopes(
        self, application: Client | None = None, request: Any = None, *args: Any, **kw: Any
    ) -> list[str]:
        return []
