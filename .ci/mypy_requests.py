"""A mypy plugin: declares what our middleware and libraries put on a request, which the types of Django cannot know.

Without it every `request.site` would need an ignore comment. Their types are Any: most come from layers that the reader
of a request must not import.
"""

from collections.abc import Callable

from mypy.nodes import MDEF, SymbolTableNode, Var
from mypy.plugin import ClassDefContext, Plugin
from mypy.types import AnyType, TypeOfAny

REQUEST = "django.http.request.HttpRequest"
ATTRIBUTES = (
    "trace",  # operations.tracing
    "client_address",  # idjag_demo.middleware.PeerMiddleware
    "site",  # idjag_demo.middleware.SiteMiddleware
    "tenant",
    "urlconf",
    "_authorization_server",  # authserver.current_server
    "auth",  # django-ninja: the caller
    "idp_metadata",  # tenants.admin
    "server_metadata",  # crossapp.requesting_app.admin
    "sign_in",  # tenants.single_sign_on
    "known_browser",  # tenants.known_browsers
    "htmx",  # django-htmx
    "csp_nonce",  # django-csp
)


class RequestPlugin(Plugin):
    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        return _declare if fullname == REQUEST else None


def _declare(context: ClassDefContext) -> None:
    for name in ATTRIBUTES:
        variable = Var(name, AnyType(TypeOfAny.explicit))
        variable.info = context.cls.info
        variable.is_initialized_in_class = False
        variable._fullname = f"{REQUEST}.{name}"
        context.cls.info.names[name] = SymbolTableNode(MDEF, variable, plugin_generated=True)


def plugin(version: str) -> type[Plugin]:
    return RequestPlugin
