"""Which log goes where, and from which level on."""

from typing import Any


def logging_config(*, as_json: bool) -> dict[str, Any]:
    """Return LOGGING: one JSON object a line for a deployment, plain lines for a terminal."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "outages_in_one_line": {"()": "operations.logs.OutagesInOneLine"},
            "request_ids": {"()": "operations.logs.RequestIds"},
            "without_queries": {"()": "operations.logs.WithoutQueries"},
        },
        "formatters": {
            "json": {"()": "operations.logs.JsonFormatter"},
            "plain": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"},
            "server": {"()": "django.utils.log.ServerFormatter", "format": "[{server_time}] {message}", "style": "{"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "filters": ["request_ids", "outages_in_one_line"],
                "formatter": "json" if as_json else "plain",
            },
            "server": {"class": "logging.StreamHandler", "formatter": "server"},
            "nowhere": {"class": "logging.NullHandler"},  # without a handler Python logs to standard error
        },
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "audit": {"level": "INFO"},  # one line of JSON per act
            "idjag_demo": {"level": "INFO"},
            "idjag_demo.access": {"level": "INFO" if as_json else "WARNING"},  # a line per request
            "crossapp": {"level": "INFO"},
            "crossapp.resource_app.redemption": {"level": "WARNING"},  # the audit has it
            # At DEBUG these write codes, states and URLs with them, whatever the level of the root.
            **{name: {"level": "INFO"} for name in ("oauthlib", "oauth2_provider", "urllib3")},
            "tenants": {"level": "INFO"},
            "base": {"level": "INFO"},
            "operations": {"level": "INFO"},
            "django.server": {
                "handlers": ["nowhere" if as_json else "server"],  # the access log has it
                "level": "INFO",
                "propagate": False,
                "filters": ["without_queries"],
            },
            "django.security.csrf": {"filters": ["without_queries"]},  # quotes the Referer
            "django.security.DisallowedHost": {
                "handlers": ["nowhere"],
                "propagate": False,
            },  # a client can send any Host
        },
    }
