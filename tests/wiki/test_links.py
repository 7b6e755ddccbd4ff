"""What a link to a todo is, and everything that only looks like one."""

import pytest
from pytest_django import Settings

from tests.wiki.people import TODO
from wiki.links import make_links, name_links, todo_id

LINK = '<a href="{0}" rel="noopener noreferrer nofollow">{0}</a>'


@pytest.mark.parametrize(
    ("url", "number"),
    [
        (f"{TODO}/todos/1", 1),
        (f"{TODO}/todos/120", 120),
        ("HTTP://TODO.LOCALHOST:8000/todos/7", 7),  # RFC 3986 section 6.2.2.1
        (f"{TODO}/todos/9223372036854775807", 2**63 - 1),
        (f"{TODO}/todos/7/", 7),  # what follows does not change which todo it is
        (f"{TODO}/todos/7?x", 7),
        (f"{TODO}/todos/7/?x=1&y=2#z", 7),
        (f"{TODO}/todos/7#a", 7),
        (f"{TODO}/todos/7?", 7),
        (f"{TODO}/todos/7?redirect=http://evil.example", 7),
    ],
)
def test_the_exact_form_is_a_todo_link(url: str, number: int) -> None:
    assert todo_id(url) == number


NO_LINKS = {
    "UF-02 userinfo": [
        "http://todo.localhost@evil.example/todos/1",
        "http://todo.localhost:8000@evil.example/todos/1",
        "http://user:pw@todo.localhost:8000/todos/1",
        "http://user@todo.localhost:8000/todos/1",
    ],
    "UF-03 elsewhere in the text": [
        f"http://evil.example/{TODO}/todos/1",
        f"http://evil.example/?x={TODO}/todos/1",
        f"http://evil.example/#{TODO}/todos/1",
        f"x{TODO}/todos/1",
        f"{TODO}/todos/1 x",
    ],
    "UF-04 similar hosts": [
        "http://todo.localhost.evil.example/todos/1",
        "http://todo.localhost:8000.evil.example/todos/1",
        "http://xtodo.localhost:8000/todos/1",
        "http://todolocalhost:8000/todos/1",
        "http://wiki.localhost:8000/todos/1",
    ],
    "UF-06 case of the path": [f"{TODO}/TODOS/1", f"{TODO}/Todos/1"],
    "UF-07 ports": [f"http://todo.localhost{port}/todos/1" for port in ("", ":", ":80", ":443", ":8001", ":0")]
    + [f"http://todo.localhost{port}/todos/1" for port in (":65536", ":8000x", ":08000", ":8000:8000")],
    "UF-08 scheme": ["https://todo.localhost:8000/todos/1"],
    "UF-09 relative": ["//todo.localhost:8000/todos/1", "/todos/1", "todo.localhost:8000/todos/1", "todos/1", "1"],
    "UF-10 other schemes": [
        f"{scheme}://todo.localhost:8000/todos/1" for scheme in ("ftp", "file", "gopher", "ws", "wss", "view-source")
    ]
    + ["javascript:alert(1)", "data:text/html,x", "mailto:a@todo.localhost", f"view-source:{TODO}/todos/1"],
    "UF-11 addresses": [
        f"http://{host}/todos/1"
        for host in (
            "127.0.0.1:8000",
            "[::1]:8000",
            "[::ffff:127.0.0.1]:8000",
            "0",
            "2130706433",
            "0177.0.0.1",
            "0x7f.1",
        )
    ],
    "UF-12 metadata services": [
        f"http://{host}/todos/1" for host in ("169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal")
    ],
    "UF-13 look-alike letters": [
        "http://todo。localhost:8000/todos/1",
        "http://ｔｏｄｏ.localhost:8000/todos/1",
        "http://todо.localhost:8000/todos/1",
        "http://xn--tod-8cd.localhost:8000/todos/1",
        "http://to\u00addo.localhost:8000/todos/1",
        "http://to\u200ddo.localhost:8000/todos/1",
        "http://todo.\u212aocalhost:8000/todos/1",
        "http://todo.localho\u017ft:8000/todos/1",
    ],
    "UF-14 trailing dot": ["http://todo.localhost.:8000/todos/1"],
    "UF-30 hosts of other tenants and apps": [
        f"http://{host}:8000/todos/1"
        for host in ("customer2.todo.localhost", "customer1.idp.localhost", "customer2.idp.localhost", "localhost")
    ],
    "UF-15 paths": [
        f"{TODO}{path}"
        for path in (
            "/todos/../users/me",
            "/todos/..%2fusers/me",
            "/todos/%2e%2e/",
            "/todos/1/../../admin",
            "/todos//1",
            "//todos/1",
            "/todos/1;x",
            "/todos/1%00",
            "/todos/1%0d%0aHost:evil",
            "/todos/1\\..\\",
            "/todos/%31",
            "/todos%2f1",
            "/api/todos/1",
            "/todos/1/edit",
            "/todos/",
            "/",
            "",
        )
    ],
    "UF-17 numbers": [
        f"{TODO}/todos/{number}"
        for number in (
            "abc",
            "-1",
            "+1",
            "0",
            "01",
            "9999999999999999999",
            "9223372036854775808",
            "1" * 5000,
            "１",
            "1e3",
            "0x1",
            "1.0",
            "1_000",
        )
    ],
    "UF-18 size and names": [f"{TODO}/todos/1{'a' * 10_000}", "__proto__", "constructor"],
    "UF-19 characters around and within": [
        f"{before}{TODO}/todos/1{after}"
        for before, after in (("\t", ""), ("\n", ""), (" ", ""), ("", "\n"), ("", " "), ("", "\x00"), ("", "\r\n"))
    ]
    + [
        "http:\\\\todo.localhost:8000\\todos\\1",
        "http:todo.localhost:8000/todos/1",
        "http:/todo.localhost:8000/todos/1",
        "http:///todo.localhost:8000/todos/1",
        "ht\ntp://todo.localhost:8000/todos/1",
        "http://todo.local\thost:8000/todos/1",
    ],
}


@pytest.mark.parametrize(
    "url", [pytest.param(url, id=f"{row}-{i}") for row, urls in NO_LINKS.items() for i, url in enumerate(urls)]
)
def test_anything_else_is_no_todo_link(url: str) -> None:
    assert todo_id(url) is None


def test_the_origin_is_read_when_it_is_needed(settings: Settings) -> None:
    settings.ORIGINS = settings.ORIGINS | {"todo": "https://todo.example"}
    assert todo_id("https://todo.example/todos/1") == 1
    assert todo_id("https://todo.example:443/todos/1") is None
    assert todo_id(f"{TODO}/todos/1") is None


@pytest.mark.parametrize(
    ("html", "linked"),
    [
        (f"<p>{TODO}/todos/1</p>", f"<p>{LINK.format(TODO + '/todos/1')}</p>"),
        (f"<p>see {TODO}/todos/1, ok</p>", f"<p>see {LINK.format(TODO + '/todos/1')}, ok</p>"),
        (f"<p>({TODO}/todos/12)</p>", f"<p>({LINK.format(TODO + '/todos/12')})</p>"),
        (f"<b>{TODO}/todos/1</b>.", f"<b>{LINK.format(TODO + '/todos/1')}</b>."),
    ],
)
def test_a_todo_link_in_the_text_becomes_a_link(html: str, linked: str) -> None:
    assert make_links(html) == linked
    assert make_links(linked) == linked


NEIGHBOURS = [
    ("“", "”"), ("„", "“"), ("«", "»"), ("‹", "›"), ("「", "」"), ("（", "）"), ("【", "】"), ("", "。"),
    ("", "、"), ("", "…"), ("", "—done"), ("見て", "を"), ("*", "*"), ("**", "**"), ("_", "_"), ("~~", "~~"),
    ("", "，then"), ("`", "`"), ("[text](", ")"),
    ("[", "]"), ("|", "|"), ("'", "'"), ("&lt;", "&gt;"), ('"', '"'), ("\u200b", "\u200b"),
    ("\ufeff", "\u00ad"), ("\u200f", "\u200e"), ("\u2060", "\u00a0"), ("&nbsp;", "&nbsp;"), ("", "; then"), ("", "?"),
    ("", "?!"), ("(see ", ").*"), ("", ".\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), NEIGHBOURS)
@pytest.mark.parametrize(
    "url", [f"{TODO}/todos/1", f"{TODO}/todos/1/", f"{TODO}/todos/1?x=1", "HTTP://TODO.localhost:8000/todos/1#a"]
)
def test_what_stands_beside_a_link_does_not_belong_to_it(before: str, after: str, url: str) -> None:
    assert make_links(f"<p>{before}{url}{after}</p>") == f"<p>{before}{LINK.format(url)}{after}</p>"


def test_two_links_with_a_comma_between_are_two_links() -> None:
    url = f"{TODO}/todos/1"
    assert make_links(f"<p>{url},{url}</p>") == f"<p>{LINK.format(url)},{LINK.format(url)}</p>"


@pytest.mark.parametrize(
    "html",
    [
        f'<p><a href="https://x.example">{TODO}/todos/1</a></p>',
        f"<pre><code>{TODO}/todos/1</code> {TODO}/todos/1</pre>",
        f"<p><code>{TODO}/todos/1</code></p>",
        f"<p>http://evil.example/{TODO}/todos/1</p>",
        f"<p>{TODO}/todos/1x {TODO}/todos/1/x {TODO}/todos/1-x {TODO}/todos/1%20</p>",
        f"<p>{TODO}/todos/1&amp;x {TODO}/todos/1;x {TODO}/todos/1@x {TODO}/TODOS/1</p>",
    ],
)
def test_what_is_a_link_or_code_or_longer_stays_as_it_is(html: str) -> None:
    assert make_links(html) == html


def test_a_preview_names_links_instead_of_spelling_them_out() -> None:
    assert name_links(f"First {TODO}/todos/1, then https://x.example/todos/1") == (
        "First [todo], then https://x.example/todos/1"
    )
