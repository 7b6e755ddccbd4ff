"""The colours of the style sheet against WCAG 2.2 level AA."""

import re
from pathlib import Path

import pytest
from django.conf import settings

REALMS = ["", "wiki", "todo", "idp", "staff"]
TEXT = 4.5
SHAPE = 3.0
PAIRS = [
    *[("--text", background, TEXT) for background in ("--bg", "--surface", "--surface-2", "--accent-soft")],
    *[("--text", f"--{tone}-soft", TEXT) for tone in ("danger", "success", "warning")],
    *[("--muted", background, TEXT) for background in ("--bg", "--surface", "--surface-2")],
    *[("--accent", background, TEXT) for background in ("--bg", "--surface", "--accent-soft")],
    *[("--accent-hover", background, TEXT) for background in ("--bg", "--surface")],
    *[("--accent-text", background, TEXT) for background in ("--accent", "--accent-hover")],
    *[("--danger", background, TEXT) for background in ("--bg", "--surface", "--danger-soft")],
    ("--danger-text", "--danger", TEXT),
    ("--success", "--success-soft", TEXT),
    ("--warning", "--warning-soft", TEXT),
    *[("--border-strong", background, SHAPE) for background in ("--bg", "--surface")],
]


def _properties(css: str, realm: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for selector in (":root", f'[data-realm="{realm}"]'):
        for block in re.findall(re.escape(selector) + r" \{(.*?)\}", css, re.DOTALL):
            found |= dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6});", block))
    return found


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("realm", REALMS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_pair_of_colours_that_meet_has_enough_contrast(realm: str, scheme: str) -> None:
    css = (Path(settings.BASE_DIR) / "static" / "idjag_demo.css").read_text()
    light, dark = css.split("@media (prefers-color-scheme: dark)", 1)
    colours = _properties(light, realm)
    if scheme == "dark":
        colours |= _properties(dark, realm)

    measured = {(one, other): (_contrast(colours[one], colours[other]), least) for one, other, least in PAIRS}

    assert {pair: ratio for pair, (ratio, least) in measured.items() if ratio < least} == {}
