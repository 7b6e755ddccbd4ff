"""Which Chromium the browser tests use; `python -m tests.support.chromium` tries to get one if there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL_SECONDS = 300
MISSING = "no Chromium was found (Debian: apt install chromium; elsewhere: playwright install chromium)"


def driver_problem() -> str | None:
    """Return why Playwright's driver does not start here, or None if it does."""
    node, _ = compute_driver_executable()
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (subprocess.SubprocessError, OSError) as error:
        return f"Playwright's driver does not start: {error}"
    if done.returncode == 0:
        return None
    return f"Playwright's driver does not start (Debian: apt install libatomic1): {done.stderr.strip()}"


def find_chromium(playwright: Playwright) -> str | None:
    """Return the path of $CHROMIUM, the system's Chromium or Playwright's own; None if there is none."""
    for name in filter(None, (os.environ.get("CHROMIUM"), *NAMES)):
        if path := shutil.which(name):
            return path
    own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def launch_flags() -> list[str]:
    """Return Chromium's flags: no sandbox where root runs it, and no traffic of its own."""
    flags = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    return ["--no-sandbox", *flags] if hasattr(os, "geteuid") and os.geteuid() == 0 else flags


def main() -> None:
    """Make sure there is a Chromium if that is possible; if not, the tests say what follows."""
    if problem := driver_problem():
        sys.stdout.write(f"{problem}\n")
        return
    with sync_playwright() as playwright:
        if find_chromium(playwright):
            return
    sys.stdout.write("No Chromium here: trying Playwright's own.\n")
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        subprocess.run(command, timeout=INSTALL_SECONDS, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        sys.stdout.write(f"That failed: {error}\n")


if __name__ == "__main__":
    main()
