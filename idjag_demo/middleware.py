"""Multi-site middleware: client address, site from Host, realm of the session, response headers."""

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_urlconf
from whitenoise.middleware import WhiteNoiseMiddleware

from authserver.models import AuthorizationServer
from base.limits import Throttled
from base.recent_rows import recent
from idjag_demo.sites import site_for
from idjag_demo.views import refused_unread, too_many
from tenants.models import App, IdPConnection, Realm, Tenant, User
from tenants.sessions import expire_session
from tenants.single_sign_on import attempts

GetResponse = Callable[[HttpRequest], HttpResponse]

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT")


class PeerMiddleware:
    """Sets `request.client_address` and REMOTE_ADDR; uses X-Forwarded-* from trusted proxies only."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer = request.META.get("REMOTE_ADDR", "")
        if _is_trusted(peer):
            request.META["REMOTE_ADDR"] = _client_of(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""))
        else:
            for name in FORWARDED:
                request.META.pop(name, None)
        request.client_address = request.META.get("REMOTE_ADDR", "")
        return self.get_response(request)


def _client_of(peer: str, forwarded_for: str) -> str:
    """Return the address of the client: the last one that is not a trusted proxy's. Each proxy appends what it saw.

    If a proxy saw something else than an address, such as "unknown", it counts as the client itself.
    """
    proxy = peer
    for hop in filter(None, map(str.strip, reversed(forwarded_for.split(",")))):
        address = _address(hop)
        if not address or not _is_trusted(address):
            return address or proxy
        proxy = address
    return peer


def _address(hop: str) -> str:
    """Return the address in an element of X-Forwarded-For, which may have brackets, a port and a zone; or ""."""
    text = hop.strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    parsed = _parsed(text.partition("%")[0])
    return str(getattr(parsed, "ipv4_mapped", None) or parsed or "")


def _is_trusted(address: str) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in settings.TRUSTED_PROXIES)


@lru_cache(maxsize=4096)
def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None


class SizeMiddleware:
    """Refuses headers or a body that are too large for every endpoint, before they are read.

    It also refuses a body without a length (RFC 9112 section 6), because Django would treat it as empty, and one that
    is not UTF-8 (see `entrance`).
    """

    MAX_HEADERS = 16 * 1024
    PAGES = ("/api/articles", "/pages/")  # of Wiki0

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        headers = (len(name) + len(value) for name, value in request.META.items() if name.startswith("HTTP_"))
        if sum(headers, start=len(request.META.get("CONTENT_TYPE", ""))) > self.MAX_HEADERS:
            return refused_unread(request, 431, "The headers are too large.")
        if "HTTP_TRANSFER_ENCODING" in request.META:
            both = bool(request.META.get("CONTENT_LENGTH"))
            return refused_unread(
                request, 400 if both else 411, "The request must have Content-Length and no Transfer-Encoding."
            )
        if unreadable := getattr(request, "unreadable", ""):
            return refused_unread(request, 415, unreadable)
        length = request.META.get("CONTENT_LENGTH") or "0"
        is_page = request.path.startswith(self.PAGES)
        largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE if is_page else settings.MAX_BODY
        if not length.isdecimal() or len(length) > 20 or int(length) > largest:
            return refused_unread(request, 413, "The body is too large.")
        return self.get_response(request)


class WholeFilesMiddleware(WhiteNoiseMiddleware):
    """Serves static files whole and ignores Range (RFC 9110 section 14.2 allows that).

    After an interrupted load Chromium may ask for a range behind the end of a complete file and use the 416 as the
    answer: the page would lack its script.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        request.META.pop("HTTP_RANGE", None)
        served: HttpResponse = WhiteNoiseMiddleware.serve(static_file, request)
        return served


class OwnCookiesMiddleware:
    """Ignores an own cookie that comes twice: a sibling host may have set one of the two (RFC 6265 section 8.6)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = [pair.partition("=")[0].strip() for pair in request.META.get("HTTP_COOKIE", "").split(";")]
        for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, attempts.cookie_name()):
            if sent.count(name) > 1:
                request.COOKIES.pop(name, None)
        return self.get_response(request)


class ThrottledMiddleware:
    """Answers 429 when a view raises Throttled."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return too_many(request, exception) if isinstance(exception, Throttled) else None


class SiteMiddleware:
    """Sets `request.site`, `request.tenant` and `request.urlconf` from the Host header; unknown hosts get 404."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        site = site_for(request.get_host())
        tenant = _tenant_with_idp(site.tenant_slug) if site and site.tenant_slug else None
        if site is None or (site.tenant_slug and not (tenant and tenant.is_active)):
            raise Http404("No site has this host name.")
        request.site = site
        request.tenant = tenant
        request.urlconf = site.urlconf
        set_urlconf(site.urlconf)
        return self.get_response(request)


@recent(Tenant, AuthorizationServer)
def _tenant_with_idp(slug: str) -> Tenant | None:
    return Tenant.objects.filter(authorizationserver__realm=Realm.IDP, slug=slug).first()


class RealmMiddleware:
    """Makes a session of another realm or tenant anonymous: all sites share one session table.

    Also one of a tenant whose IdP connection was disabled or leads to another issuer now.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated and not self._belongs(request, user):
            request.user = AnonymousUser()
        return self.get_response(request)

    @staticmethod
    def _belongs(request: HttpRequest, user: User) -> bool:
        if user.realm != request.site.realm:
            return False
        if user.tenant is not None and not user.tenant.is_active:
            return False
        if user.realm in App.values and user.issuer and not _is_connected(user.tenant_id, user.realm, user.issuer):
            return False
        return request.tenant is None or user.tenant_id == request.tenant.pk


def _is_connected(tenant_id: int | None, app: str, issuer: str) -> bool:
    """Say whether people of the tenant still sign in to `app` at this issuer: else their sessions have ended."""
    connection = _connection(tenant_id, app)
    return connection is not None and connection.enabled and connection.issuer == issuer


@recent(IdPConnection)
def _connection(tenant_id: int | None, app: str) -> IdPConnection | None:
    return IdPConnection.objects.defer("client_secret").filter(tenant=tenant_id, app=app).first()


class SharedSessionMiddleware(SessionMiddleware):
    """Leaves alone what another request of the browser has done to the session meanwhile.

    A sign-in renews the session's key and a sign-out ends it. Django would answer a request of that moment with 400, or
    have the browser delete the cookie that the other answer has just set.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.session.is_empty() and not request.session.modified:
            return response
        try:
            return super().process_response(request, response)
        except SessionInterrupted:
            return response


class SessionLifetimeMiddleware:
    """Ends a person's session when it was idle for too long or has lasted for too long.

    An IdP's session has no idle limit: no requests use it between two sign-ins of a day.
    """

    EVERY = 60  # seconds between two updates of the time of last use

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session, now = request.session, int(time.time())
        if SESSION_KEY in session:
            started, seen = session.get("started", 0), session.get("seen", 0)
            idle = request.site.realm != "idp" and now - seen > settings.SESSION_IDLE_SECONDS
            if idle or now - started > settings.SESSION_COOKIE_AGE:
                expire_session(session)
            elif now - seen > self.EVERY:
                session["seen"] = now
        return self.get_response(request)


def start_session(sender: object, request: HttpRequest, **kwargs: object) -> None:
    """Start the lifetime of the session after a sign-in."""
    request.session["started"] = request.session["seen"] = int(time.time())


class HeadersMiddleware:
    """Adds the headers that Django has no setting for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        return response


class PolicyMiddleware(CSPMiddleware):
    """Adds a page's content security policy; JSON gets one that allows nothing."""

    FOR_JSON = "default-src 'none'; frame-ancestors 'none'"

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith("application/json"):
            response.headers[HEADER] = self.FOR_JSON
            return response
        return super().process_response(request, response)


class PrivatePagesMiddleware:
    """Keeps pages of a signed-in person out of every cache, so the back button shows nothing after a sign-out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        signed_in = request.user.is_authenticated  # before the view, which may sign out
        response = self.get_response(request)
        if signed_in:
            response.headers.setdefault("Cache-Control", "no-store")
        return response
