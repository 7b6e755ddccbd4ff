"""The answer to a form whose next page may be on another site.

Browsers apply the `form-action` of a form's page to every redirect that follows, also to those of other sites, and stop
without a message at the first origin that is not listed (Content Security Policy Level 3 section 6.4.1). So the form's
own redirects end on a page of this site. That page goes on by itself, which no policy of the form's page confines: by
script, so that it is in no history, or without scripts by a refresh.
"""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render


def onward(request: HttpRequest, url: str) -> HttpResponse:
    """Return the page that takes a browser to `url`, http or https or a path; raises DisallowedRedirect for others.

    A program, which has no such policy, gets a redirect.
    """
    redirect = HttpResponseRedirect(url)
    if not _is_navigation(request):
        return redirect
    place = urlsplit(url).netloc or request.get_host()
    page = render(request, "onward.html", {"url": redirect.url, "place": place})
    page["Cache-Control"] = "no-store"
    page["Referrer-Policy"] = "no-referrer"
    return page


def _is_navigation(request: HttpRequest) -> bool:
    """Say whether a browser asks for a page.

    Browsers send Sec-Fetch-Mode to https and to this machine only (Fetch Metadata Request Headers section 2), and older
    ones never do. Those ask for a page with Upgrade-Insecure-Requests (section 3.2.1 of the document of that name).
    """
    mode = request.headers.get("Sec-Fetch-Mode")
    return mode == "navigate" if mode else request.headers.get("Upgrade-Insecure-Requests") == "1"
