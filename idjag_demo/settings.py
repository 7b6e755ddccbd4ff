"""Settings. Every value comes from the environment or, with nothing set, makes the demo (see `.env.example`)."""

from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE

from idjag_demo.demo.secrets import demo_secrets

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# Demo mode: demo accounts are shown, plain http for *.localhost is fine, secrets are made on first use.
DEMO = env.bool("DEMO", default=True)
DEMO_IS_CHOSEN = "DEMO" in env  # off this machine somebody has to (see `checks.py`)
DEBUG = env.bool("DEBUG", default=False)

# --- Where the sites are -------------------------------------------------------------------------------------------

BASE_DOMAIN = env.str("BASE_DOMAIN", default="localhost:8000")
_base_name = BASE_DOMAIN.partition(":")[0]
_scheme = "http" if _base_name == "localhost" or _base_name.endswith(".localhost") else "https"

ORIGINS = {
    "staff": env.str("HOME_ORIGIN", default=f"{_scheme}://{BASE_DOMAIN}"),
    "wiki": env.str("WIKI_ORIGIN", default=f"{_scheme}://wiki.{BASE_DOMAIN}"),
    "todo": env.str("TODO_ORIGIN", default=f"{_scheme}://todo.{BASE_DOMAIN}"),
    "idp": env.str("IDP_ORIGIN", default=f"{_scheme}://{{tenant}}.idp.{BASE_DOMAIN}"),
}

ALLOWED_HOSTS = [urlsplit(ORIGINS[realm]).hostname or "" for realm in ("staff", "wiki", "todo")]
ALLOWED_HOSTS.append((urlsplit(ORIGINS["idp"]).netloc.partition("{tenant}")[2]).partition(":")[0])

# --- Secrets -------------------------------------------------------------------------------------------------------

_demo = demo_secrets(VAR_DIR) if DEMO else {}
SECRET_KEY = env.str("DJANGO_SECRET_KEY", default=_demo.get("DJANGO_SECRET_KEY", environ.Env.NOTSET))
# Fernet keys for the columns we must read back (tokens, client secrets, private keys): the first encrypts, all decrypt.
FIELD_ENCRYPTION_KEYS = env.list(
    "FIELD_ENCRYPTION_KEYS", default=[_demo["FIELD_ENCRYPTION_KEY"]] if _demo else environ.Env.NOTSET
)

# --- Applications --------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "idjag_demo",
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
    "idjag_demo.middleware.PeerMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "idjag_demo.middleware.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "idjag_demo.middleware.SizeMiddleware",
    "idjag_demo.middleware.OwnCookiesMiddleware",
    "idjag_demo.middleware.SiteMiddleware",
    "audit.current_request.CurrentRequestMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "idjag_demo.middleware.SessionLifetimeMiddleware",
    "tenants.known_browsers.KnownBrowserMiddleware",
    "django.middleware.common.CommonMiddleware",
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

VAR_DIR.mkdir(exist_ok=True)
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
DATABASES["default"]["ATOMIC_REQUESTS"] = False  # a view that calls another site of this process would wait for itself
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # A file, not memory: the live server's threads each need a connection of their own.
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
elif DATABASES["default"]["ENGINE"] == "django.db.backends.mysql":
    # Byte for byte comparison: `sub`, `client_id` and `iss` are case sensitive.
    DATABASES["default"]["OPTIONS"] = {"charset": "utf8mb4", "collation": "utf8mb4_bin"}
    DATABASES["default"]["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_bin"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": env.cache_url("REDIS_URL", default="locmemcache://")}

# --- Accounts and sessions -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    "tenants.backends.RealmBackend",
    "tenants.single_sign_on.backend.SingleSignOnBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "authserver.hashers.MachineMadeSecretHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"

_https = urlsplit(ORIGINS["staff"]).scheme == "https"
# Host-only cookies. Own names: cookies ignore ports, so `localhost` is shared with every other project there.
SESSION_COOKIE_NAME = "__Host-idjag_session" if _https else "idjag_session"
SESSION_COOKIE_SECURE = _https
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would lose the state on the way back from the IdP
SESSION_COOKIE_AGE = env.int("SESSION_MAX_SECONDS", default=12 * 60 * 60)
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=2 * 60 * 60)
CSRF_COOKIE_NAME = "__Host-idjag_csrf" if _https else "idjag_csrf"
CSRF_COOKIE_SECURE = _https
CSRF_FAILURE_VIEW = "idjag_demo.views.csrf_failure"

# --- OAuth ---------------------------------------------------------------------------------------------------------

OAUTH2_PROVIDER_APPLICATION_MODEL = "authserver.Client"
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "authserver.server.Server",
    "OAUTH2_VALIDATOR_CLASS": "idp.validator.OpenIDValidator",
    "OAUTH2_BACKEND_CLASS": "authserver.backend.Backend",
    "SCOPES_BACKEND_CLASS": "authserver.scopes.ServerScopes",
    "CLIENT_SECRET_HASHER": "machine_made_secret",
    "ACCESS_TOKEN_GENERATOR": "authserver.access_tokens.generate_access_token",
    "REFRESH_TOKEN_GENERATOR": "authserver.access_tokens.generate_refresh_token",
    "SCOPES": {"read": "Read", "write": "Write", "openid": "Sign in"},
    "DEFAULT_SCOPES": [],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "ID_TOKEN_EXPIRE_SECONDS": 600,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 24 * 3600,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
    "PKCE_REQUIRED": True,
    "OIDC_ENABLED": True,
    "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http"] if DEMO else ["https"],
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": not DEMO,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}

# Which grants each kind of authorization server offers: grant type -> the class that handles it.
AUTHSERVER_GRANTS = {
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "crossapp.resource_app.jwt_bearer_grant.JwtBearerGrant",
    "urn:ietf:params:oauth:grant-type:token-exchange": "idp.token_exchange_grant.TokenExchangeGrant",
}

# The liftable halves know nothing of this project; these settings plug it in.
CROSSAPP_REQUESTING_APP = {
    "HTTP_SESSION": "tenants.outgoing.session",
    "SUBJECT_TOKEN_STORE": "tenants.subject_tokens.SubjectTokenStore",
    "CLIENT_SIGNING_KEY": env.str("CLIENT_SIGNING_KEY", default="", multiline=True),
}
CROSSAPP_RESOURCE_APP = {
    "HTTP_SESSION": "tenants.outgoing.session",
    "HOST": "authserver.resource_app_host.ResourceAppHost",
}

# --- Limits --------------------------------------------------------------------------------------------------------

# The proxies in front of us: from no other peer are X-Forwarded-For and X-Forwarded-Proto believed.
TRUSTED_PROXIES = [ip_network(network) for network in env.list("TRUSTED_PROXIES", default=[])]
# gunicorn reads it too: how many processes there are.
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", default=1)
# See `tenants.throttling`.
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
AUDIT_KEPT_DAYS = env.int("AUDIT_KEPT_DAYS", default=365)  # `manage.py sweep` deletes older events; 0: none
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # no body is larger, whatever it holds

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
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = ["^(healthz|readyz)$"]  # an orchestrator asks the process itself, not the proxy
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # PeerMiddleware drops it unless a trusted proxy sent it
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True  # every site of ours is below BASE_DOMAIN
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # browsers' preload lists are for the owner of the domain to ask for

# --- The rest ------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns if it is not there
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEMO  # no collectstatic for the demo

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_queries": {"()": "idjag_demo.logs.WithoutQueries"}},
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "server": {"()": "django.utils.log.ServerFormatter", "format": "[{server_time}] {message}", "style": "{"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain"},
        "server": {"class": "logging.StreamHandler", "formatter": "server"},
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "audit": {"level": "INFO"},  # one line of JSON per act
        "idjag_demo": {"level": "INFO"},
        "crossapp": {"level": "INFO"},
        "crossapp.resource_app.redemption": {"level": "WARNING"},  # the audit says it
        # At DEBUG these write codes, states and URLs with them, whatever the level of the root.
        **{name: {"level": "INFO"} for name in ("oauthlib", "oauth2_provider", "mozilla_django_oidc", "urllib3")},
        "tenants": {"level": "INFO"},
        "django.server": {"handlers": ["server"], "level": "INFO", "propagate": False, "filters": ["without_queries"]},
        "django.security.csrf": {"filters": ["without_queries"]},  # quotes the Referer
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},  # anybody can send any Host
    },
}
