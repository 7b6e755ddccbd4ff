"""System checks of the settings: ids crossapp_resource.E001 and up."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from inspect import signature
from typing import Any

from django.apps import AppConfig
from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.module_loading import import_string

from ..core.algorithms import ALGORITHMS
from .conf import SETTING, Conf, conf, raw
from .host import Host

MAX_LIFETIME, MAX_SKEW = 300, 60
_HOST_METHODS = [name for name in vars(Host) if not name.startswith("_")]
_SECONDS = ("max_lifetime", "clock_skew", "keys_fresh", "keys_stale", "keys_cool_down")


@register()
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return the errors in CROSSAPP_RESOURCE_APP."""
    return [*_unknown_keys(), *_host(), *_functions(), *_algorithms(), *_times(), *_cache()]


def _unknown_keys() -> Iterator[CheckMessage]:
    known = {field.name.upper() for field in fields(Conf)}
    for key in sorted(set(raw()) - known):
        yield Error(
            f"{SETTING} has an unknown key {key!r}.", hint=f"Known: {sorted(known)}.", id="crossapp_resource.E001"
        )


def _host() -> Iterator[CheckMessage]:
    hint = f"Name a class with the methods {', '.join(_HOST_METHODS)}: see crossapp/resource_app/README.md."
    try:
        host = conf().make_host()
    except Exception as error:  # the host's module may raise any error at import, and the operator must see it
        yield Error(f'Cannot use {SETTING}["HOST"]: {error}', hint=hint, id="crossapp_resource.E002")
        return
    missing = [f"{name}({', '.join(_arguments(name))})" for name in _HOST_METHODS if not _has(host, name)]
    if missing:
        yield Error(f'{SETTING}["HOST"] lacks {", ".join(missing)}.', hint=hint, id="crossapp_resource.E002")


def _has(host: object, name: str) -> bool:
    """Say whether the host has this method, with the arguments of the interface."""
    method = getattr(host, name, None)
    try:
        return callable(method) and bool(signature(method).bind(*_arguments(name)))
    except TypeError:
        return False


def _arguments(name: str) -> list[str]:
    return list(signature(getattr(Host, name)).parameters)[1:]  # without self


def _functions() -> Iterator[CheckMessage]:
    for key, what in (("http_session", "a requests.Session"), ("keys", "a crossapp.core.keys.Keys")):
        try:
            if callable(import_string(getattr(conf(), key))):
                continue
            reason = "it is not callable"
        except Exception as error:
            reason = str(error)
        hint = f"Name a function that returns {what}, or leave it out."
        yield Error(f'{SETTING}["{key.upper()}"] can not be used: {reason}', hint=hint, id="crossapp_resource.E003")


def _algorithms() -> Iterator[CheckMessage]:
    algorithms = conf().algorithms
    if isinstance(algorithms, str) or not algorithms or not set(algorithms) <= ALGORITHMS.keys():
        hint = f"A list of some of {', '.join(ALGORITHMS)}."
        yield Error(f'{SETTING}["ALGORITHMS"] is {algorithms!r}.', hint=hint, id="crossapp_resource.E004")


def _times() -> Iterator[CheckMessage]:
    times = {name: getattr(conf(), name) for name in _SECONDS}
    wrong = [name.upper() for name, value in times.items() if not isinstance(value, int) or value < 0]
    if wrong:
        yield Error(f"{SETTING}: {', '.join(wrong)} must be whole seconds.", id="crossapp_resource.E005")
        return
    if times["max_lifetime"] > MAX_LIFETIME or times["clock_skew"] > MAX_SKEW:
        hint = f"A stolen ID-JAG is valid for as long. Use at most {MAX_LIFETIME} and {MAX_SKEW}, as most peers do."
        yield Warning(f"{SETTING} accepts ID-JAGs for too long.", hint=hint, id="crossapp_resource.W001")
    if times["keys_stale"] < times["keys_fresh"]:
        yield Error(f"{SETTING}: KEYS_STALE must not be less than KEYS_FRESH.", id="crossapp_resource.E005")


def _cache() -> Iterator[CheckMessage]:
    if isinstance(caches["default"], DummyCache):
        hint = "The keys of the IdPs are kept in Django's default cache; use any backend that stores values."
        yield Error("The default cache stores nothing.", hint=hint, id="crossapp_resource.E006")
