"""Settings. Every value comes from the environment; the defaults are the demo's (see `.env.example`)."""

from urllib.parse import urlsplit

from csp.constants import NONCE

from authserver.toolkit_settings import toolkit_settings
from idjag_demo.demo import content
from idjag_demo.demo.secrets import demo_secrets
from idjag_demo.environment import BASE_DIR, COLLATIONS, VAR_DIR, Environment
from operations.logging_config import logging_config

env = Environment()
Environment.read_file(BASE_DIR / ".env")

# Demo mode: demo accounts are shown, plain http for *.localhost is fine, secrets are made at the first start-up.
DEMO = env.flag("DEMO", default=True)
DEMO_IS_CHOSEN = "DEMO" in env  # required for origins off this machine (see `checks.py`)
DEBUG = env.flag("DEBUG", default=False)

# --- Sites ---------------------------------------------------------------------------------------------------------

BASE_DOMAIN = env.domain("BASE_DOMAIN", default="localhost:8000")
_base_name, _, _base_port = BASE_DOMAIN.partition(":")
_scheme = "http" if _base_name == "localhost" or _base_name.endswith(".localhost") else "https"
_example = f"{_scheme}://name.{BASE_DOMAIN}"

ORIGINS = {
    "staff": env.origin("HOME_ORIGIN", default=f"{_scheme}://{BASE_DOMAIN}", example=_example),
    "wiki": env.origin("WIKI_ORIGIN", default=f"{_scheme}://wiki.{BASE_DOMAIN}", example=_example),
    "todo": env.origin("TODO_ORIGIN", default=f"{_scheme}://todo.{BASE_DOMAIN}", example=_example),
    "idp": env.origin(
        "IDP_ORIGIN",
        default=f"{_scheme}://{{tenant}}.idp.{BASE_DOMAIN}",
        example=f"{_scheme}://{{tenant}}.idp.{BASE_DOMAIN}",
        placeholder="{tenant}.",
    ),
}
# Embedded IdPs with another origin than ORIGINS["idp"]: tenant's slug -> origin.
IDP_ORIGINS: dict[str, str] = {}
# For a forwarder that gives every port its own host: local port -> origin of its site.
PORTS: dict[int, str] = {}
DEMO_TENANTS = [organisation.slug for organisation in content.organisations()]

if _port_origin := env.origin("PORT_ORIGIN", default="", example="https://name-{port}.example", placeholder="{port}"):
    _first = int(_base_port or 8000)
    _ports = range(_first, _first + 3 + len(DEMO_TENANTS))
    PORTS = {port: _port_origin.replace("{port}", str(port)) for port in _ports}
    ORIGINS |= dict(zip(("staff", "wiki", "todo"), PORTS.values(), strict=False))
    IDP_ORIGINS = dict(zip(DEMO_TENANTS, list(PORTS.values())[3:], strict=True))

# The internal address of this project's sites, in plain HTTP; "" means their public origins.
OWN_SITES_AT = env.address("OWN_SITES_AT")

ALLOWED_HOSTS = [urlsplit(ORIGINS[realm]).hostname or "" for realm in ("staff", "wiki", "todo")]
ALLOWED_HOSTS.append((urlsplit(ORIGINS["idp"]).netloc.partition("{tenant}")[2]).partition(":")[0])
ALLOWED_HOSTS += [urlsplit(origin).hostname or "" for origin in IDP_ORIGINS.values()]

# --- Secrets -------------------------------------------------------------------------------------------------------

# `start.make_files` makes the demo's before these settings are read; a tool that only reads settings needs none.
_demo = demo_secrets(VAR_DIR)
SECRET_KEY = env.secret("DJANGO_SECRET_KEY", default=_demo.secret_key if DEMO else Environment.NOTSET)
# Fernet keys for the encrypted columns (tokens, client secrets, private keys): the first encrypts, all decrypt.
_encryption_keys = env.list(
    "FIELD_ENCRYPTION_KEYS", default=list(_demo.encryption_keys) if DEMO else Environment.NOTSET
)

# --- Applications --------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "idjag_demo",
    "operations",
    "oauth2_provider",  # before authserver, which replaces its admin pages
    "wiki",
    "todo",
    "idp",
    "authserver",
    "audit",
    "tenants",
    "crossapp.requesting_app",
    "crossapp.resource_app",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "ninja",
    "js_asset",
    "django_prose_editor",
    "django_htmx",
    "csp",
]

MIDDLEWARE = [
    # Every request passes these.
    "operations.tracing.TracingMiddleware",
    "idjag_demo.forwarded_ports.PortMiddleware",
    "idjag_demo.forwarded_ports.PortCookiesMiddleware",
    "idjag_demo.middleware.PeerMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "idjag_demo.middleware.HeadersMiddleware",
    "idjag_demo.middleware.PolicyMiddleware",
    "idjag_demo.middleware.SizeMiddleware",
    "idjag_demo.middleware.SiteMiddleware",
    "idjag_demo.cross_origin.CrossOriginMiddleware",
    "audit.current_request.CurrentRequestMiddleware",
    # This one calls the view of a program's request itself.
    "idjag_demo.program_requests.ProgramsMiddleware",
    # Only the requests of people come here.
    "idjag_demo.middleware.WholeFilesMiddleware",
    "idjag_demo.middleware.OwnCookiesMiddleware",
    "idjag_demo.middleware.SharedSessionMiddleware",
    "idjag_demo.middleware.SessionLifetimeMiddleware",
    "tenants.known_browsers.KnownBrowserMiddleware",
    "django.middleware.common.CommonMiddleware",
    "tenants.sessions.OpenFormsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "idjag_demo.middleware.RealmMiddleware",
    "idjag_demo.middleware.PrivatePagesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "idjag_demo.middleware.ThrottledMiddleware",
]

ROOT_URLCONF = "idjag_demo.urls.staff"
WSGI_APPLICATION = "idjag_demo.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "idjag_demo.context_processors.site",
            ],
        },
    },
]

# --- Data ----------------------------------------------------------------------------------------------------------

DATABASES = {"default": env.database("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
DATABASES["default"]["CONN_MAX_AGE"] = 600  # seconds; to open a connection costs more than a request
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["ATOMIC_REQUESTS"] = False  # a view that calls another site of this process would deadlock
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["ENGINE"] = "base.sqlite"
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # A file, not memory, because each thread of the live server needs its own connection.
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
elif DATABASES["default"]["ENGINE"] == "django.db.backends.mysql":
    DATABASES["default"]["OPTIONS"] = {
        "charset": "utf8mb4",
        "collation": COLLATIONS["MariaDB"],  # `sub`, `client_id` and `iss` are compared byte for byte
        # Every statement sees other transactions' commits, such as a stored token or a disabled policy, and two inserts
        # into one index do not wait for each other's gap locks.
        "isolation_level": "read committed",
        "connect_timeout": 5,
        "init_command": "SET SESSION innodb_lock_wait_timeout = 5",  # seconds; then the answer is 503
    } | DATABASES["default"].get("OPTIONS", {})
    DATABASES["default"]["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": DATABASES["default"]["OPTIONS"]["collation"]}
FIXTURE_DIRS = [content.FIXTURES]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# "passwords" has the counters of wrong passwords: see `base.limits`.
CACHES = {}
for _alias, _prefix in (("default", "idjag"), ("passwords", "idjag-passwords")):
    _cache = env.cache_server("REDIS_URL", password=env.str("REDIS_PASSWORD", default=""))
    if _cache["BACKEND"] == "django_redis.cache.RedisCache":
        _cache = {"KEY_PREFIX": _prefix} | _cache | {"BACKEND": "operations.redis_cache.RedisCache"}
    else:
        _cache |= {"LOCATION": _alias, "OPTIONS": {"MAX_ENTRIES": 100_000}}
    CACHES[_alias] = _cache

# --- Accounts and sessions -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    "tenants.passwords.RealmBackend",
    "tenants.single_sign_on.authentication.SingleSignOnBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "authserver.hashers.MachineMadeSecretHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AUTH_PASSWORD_VALIDATORS.append({"NAME": "idp.new_passwords.EndsGrants"})
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"

_https = urlsplit(ORIGINS["staff"]).scheme == "https"
# Host-only cookies with their own names: cookies ignore ports, so every project on `localhost` shares them.
SESSION_COOKIE_NAME = "__Host-idjag_session" if _https else "idjag_session"
SESSION_COOKIE_SECURE = _https
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would lose the state on the way back from the IdP
SESSION_COOKIE_AGE = env.number("SESSION_MAX_SECONDS", default=12 * 60 * 60, least=60)
SESSION_IDLE_SECONDS = env.number("SESSION_IDLE_SECONDS", default=2 * 60 * 60, least=60)
CSRF_COOKIE_NAME = "__Host-idjag_csrf" if _https else "idjag_csrf"
CSRF_COOKIE_SECURE = _https
CSRF_FAILURE_VIEW = "idjag_demo.views.csrf_failure"

# --- OAuth ---------------------------------------------------------------------------------------------------------

OAUTH2_PROVIDER_APPLICATION_MODEL = "authserver.Client"
OAUTH2_PROVIDER = toolkit_settings(demo=DEMO)

# The grants of each kind of authorization server: grant type -> the class that handles it.
AUTHSERVER_GRANTS = {
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "crossapp.resource_app.jwt_bearer_grant.JwtBearerGrant",
    "urn:ietf:params:oauth:grant-type:token-exchange": "idp.token_exchange_grant.TokenExchangeGrant",
}

# These settings plug this project into the two halves, which import nothing of it.
CROSSAPP_REQUESTING_APP = {
    "ENCRYPTION_KEYS": _encryption_keys,  # tokens and client secrets
    "HTTP_SESSION": "base.outgoing.session",
    "REFERENCE": "base.trace_context.reference",
    "SUBJECT_TOKEN_STORE": "tenants.subject_tokens.SubjectTokenStore",
    "CLIENT_SIGNING_KEY": env.str("CLIENT_SIGNING_KEY", default="", multiline=True),
}
CROSSAPP_RESOURCE_APP = {
    "ENCRYPTION_KEYS": _encryption_keys,  # private keys
    "KEYS": "base.issuers.keys",
    "HOST": "authserver.resource_app_host.ResourceAppHost",
}

# --- Limits --------------------------------------------------------------------------------------------------------

# The trusted proxies: X-Forwarded-For and X-Forwarded-Proto count from no other peer.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
# The number of processes of `manage.py serve`.
WEB_CONCURRENCY = env.number("WEB_CONCURRENCY", default=1, least=1)
# See `base.limits`.
LIMITS = {
    "SIGN_IN_ACCOUNT": env.str("LIMIT_SIGN_IN_ACCOUNT", default="10/5minutes"),
    "SIGN_IN_ACCOUNT_ANYWHERE": env.str("LIMIT_SIGN_IN_ACCOUNT_ANYWHERE", default="30/5minutes"),
    "SIGN_IN_ADDRESS": env.str("LIMIT_SIGN_IN_ADDRESS", default="40/5minutes"),
    "SIGN_IN_TENANT": env.str("LIMIT_SIGN_IN_TENANT", default="600/5minutes"),
    "SIGN_IN_EVERYWHERE": env.str("LIMIT_SIGN_IN_EVERYWHERE", default="3000/5minutes"),
    "EMAIL_STEP": env.str("LIMIT_EMAIL_STEP", default="50/minute"),
    "CLIENT": env.str("LIMIT_CLIENT", default="600/minute"),
    "CLIENT_FAILURES": env.str("LIMIT_CLIENT_FAILURES", default="30/minute"),
    "CLIENT_FAILURES_ADDRESS": env.str("LIMIT_CLIENT_FAILURES_ADDRESS", default="120/minute"),
    "API": env.str("LIMIT_API", default="600/minute"),
    "UNFURL": env.str("LIMIT_UNFURL", default="60/minute"),
    "RECORDED_REFUSALS": env.str("LIMIT_RECORDED_REFUSALS", default="30/minute"),
}
AUDIT_KEPT_DAYS = env.number("AUDIT_KEPT_DAYS", default=365, least=0)  # `manage.py sweep` deletes older events; 0: none
DATA_UPLOAD_MAX_MEMORY_SIZE = 2560 * 1024  # the limit for a wiki page: 200,000 characters, 12 bytes each when escaped
MAX_BODY = 1024 * 1024  # the limit for every other body

# --- Headers -------------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'", NONCE],
        "style-src": ["'self'", "'unsafe-inline'"],  # the editor injects its base style sheet
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
        "manifest-src": ["'self'"],
    }
}
CORS_ORIGINS = env.origins("CORS_ORIGINS")  # pages there may call what programs call: see `cross_origin.py`
# Django sends nosniff, same-origin for Referrer-Policy and Cross-Origin-Opener-Policy, and DENY for frames.
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = ["^(healthz|readyz|metrics)$"]  # an orchestrator calls the process directly, not the proxy
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # PeerMiddleware drops it unless a trusted proxy sent it
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True  # every site is below BASE_DOMAIN
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # the domain's owner decides on browsers' preload lists

# --- The rest ------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # served from the source tree, without collectstatic

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # required to read /metrics; if empty, /metrics is off
PROMETHEUS_MULTIPROC_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", default=None)  # prometheus_client reads it too

LOG_FORMAT = env.str("LOG_FORMAT", default="plain" if DEMO else "json")
LOGGING = logging_config(as_json=LOG_FORMAT == "json")
