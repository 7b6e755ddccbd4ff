"""The error pages, which every site's urlconf imports by these names."""

from idjag_demo.views import bad_request as handler400
from idjag_demo.views import forbidden as handler403
from idjag_demo.views import not_found as handler404
from idjag_demo.views import server_error as handler500

__all__ = ["handler400", "handler403", "handler404", "handler500"]
