"""The page that returns what a person has typed into a form that could not be accepted."""

from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

_NOT_TYPED = {"csrfmiddlewaretoken", "next", "on", "version", "form_key"}
_SECRET = ("password", "secret", "token")


def unsent(request: HttpRequest, *, status: int, title: str, reason: str, link: str, link_text: str) -> HttpResponse:
    """Return the page with `title`, `reason`, a link and the texts of the form, secrets excepted.

    The texts are shown only if the browser says that a page of this very site has sent them.
    """
    context = {"title": title, "reason": reason, "link": link, "link_text": link_text, "typed": _typed(request)}
    response = render(request, "unsent.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def signed_out(request: HttpRequest) -> HttpResponse:
    """Answer a form of a person who is not signed in any more: lead to the sign-in, or first show what was typed."""
    sign_in = redirect_to_login(page_of_form(request))
    if not _typed(request):
        return sign_in
    return unsent(
        request,
        status=401,
        title="You are no longer signed in",
        reason="Nothing was changed. Copy your text if you need it, then sign in and submit it again.",
        link=sign_in.url,
        link_text="Sign in",
    )


def page_of_form(request: HttpRequest) -> str:
    """Return the path of the page that has sent the form, or "/"."""
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, allowed_hosts={request.get_host()}):
        return "/"
    found = urlsplit(referer)
    path = f"{found.path or '/'}{'?' if found.query else ''}{found.query}"
    return path if url_has_allowed_host_and_scheme(path, allowed_hosts=None) else "/"


def _typed(request: HttpRequest) -> list[str]:
    if request.headers.get("Sec-Fetch-Site") != "same-origin" or request.method != "POST":
        return []
    texts = [value for name, value in request.POST.items() if name not in _NOT_TYPED and not _is_secret(name)]
    return [text for text in texts if isinstance(text, str) and len(text.strip()) > 1]


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET)
