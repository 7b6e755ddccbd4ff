#!/usr/bin/env python
"""Django's command line for idjag_demo; `make help` lists the short ways."""

import os
import sys
from contextlib import nullcontext


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idjag_demo.settings")
    from django.core.management import execute_from_command_line

    from idjag_demo.start import explained, make_files

    with nullcontext() if "--traceback" in sys.argv else explained():
        make_files()
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
