"""The project's settings plus a count of SQL statements, for the pass that counts and never for one that is timed."""

from idjag_demo.settings import *  # noqa: F403
from idjag_demo.settings import MIDDLEWARE

MIDDLEWARE = ["benchmarks.statements.StatementsMiddleware", *MIDDLEWARE]
