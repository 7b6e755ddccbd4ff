"""What the text of a page may contain, whichever way it comes in."""

import re
import sys
from html.parser import HTMLParser
from itertools import accumulate
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core import serializers
from django.db import connection

from tenants.models import User
from tests.wiki.people import TODO, browser_of
from wiki import content
from wiki.content import MAX_MARKUP, NotStorable, sanitise
from wiki.flatten import MAX_DEPTH
from wiki.models import Article

KEPT = (
    "<h1>a</h1><h2>b</h2><h3>c</h3><p><strong>d</strong> <em>e</em> <s>f</s> <code>g</code><br></p>"
    '<ul><li><p>h</p></li></ul><ol start="3"><li><p>i</p></li></ol><blockquote><p>j</p></blockquote>'
    "<pre><code>k</code></pre><hr>"
)


def test_what_the_editor_makes_is_kept() -> None:
    assert sanitise(KEPT) == KEPT


@pytest.mark.clause("requirements.md", "XS-04", "a link isolates the page it opens")
@pytest.mark.parametrize("attributes", ["", 'target="_blank"', 'target="_top" rel="opener"', 'rel="" target=x'])
def test_a_link_gets_the_rel_that_isolates_it(attributes: str) -> None:
    assert sanitise(f'<a href="https://ok.example" {attributes}>x</a>') == (
        '<a href="https://ok.example" rel="noopener noreferrer nofollow">x</a>'
    )


GONE = {
    "XS-01": ["<script>x</script>", "<ScRiPt>x</sCrIpT>", "<script/x>y</script>", "<svg><script>x</script></svg>"],
    "XS-02": [
        "<img src=x onerror=x>",
        "<p onclick=x>a</p>",
        "<p onfocus=x autofocus tabindex=1>a</p>",
        "<details ontoggle=x open>a</details>",
        "<svg><animate onbegin=x></svg>",
    ],
    "XS-03": [
        f"<a href='{href}'>a</a>"
        for href in (
            "javascript:x",
            "JaVaScRiPt:x",
            "java&#9;script:x",
            "java\nscript:x",
            "&#106;avascript:x",
            "\x01javascript:x",
            "vbscript:x",
            "data:text/html,x",
            "blob:x",
            "//evil.example",
            "\\\\evil.example",
            "/relative",
            "?query",
        )
    ],
    "XS-06": [f"<{tag} src=x srcdoc=x>a</{tag}>" for tag in ("iframe", "object", "embed", "applet", "frame", "portal")],
    "XS-07": [f"<{tag} action=x>a</{tag}>" for tag in ("form", "input", "button", "textarea", "select", "isindex")],
    "XS-08": ["<meta http-equiv=refresh content=0>", "<base href=//evil>", "<link rel=stylesheet href=//evil>"],
    "XS-09": ["<style>@import '//evil'</style>", "<p style='position:fixed'>a</p>", "<p style='color:red'>a</p>"],
    "XS-10": [
        f"<p {attribute}=x>a</p>"
        for attribute in (
            "class",
            "id",
            "name",
            "data-x",
            "aria-label",
            "slot",
            "is",
            "popover",
            "hx-get",
            "x-data",
            "v-on:click",
        )
    ]
    + ["<p on:click=x>a</p>", "<ol data-type=x type=a>a</ol>"],
    "XS-11": [
        "<svg><use href='data:x'></use></svg>",
        "<svg><foreignObject><p>a</p></foreignObject></svg>",
        "<math><mtext><table><mglyph><style><!--</style><img src=x onerror=x>",
        '<noscript><p title="</noscript><img src=x onerror=x>"></noscript>',
        "<template><p>a</p></template>",
        "<xmp><p>a</p></xmp><listing>x</listing><plaintext>y",
        "<!--><img src=x onerror=x>-->",
        "<![CDATA[<img src=x onerror=x>]]>",
    ],
    "XS-13": ["<img src=http://tracker.example>", "<img src='data:image/svg+xml,x'>", "<video poster=//x></video>"],
    "XS-22": [
        "<span class='todo-card'>Todo0 Completed</span>",
        f"<a class='todo-card unfurled' href='{TODO}/todos/1'><span class='badge badge-done'>Completed</span></a>",
        "<div class='todo-card'><img src=/static/wiki/todo0.svg>Todo0</div>",
    ],
}
ALLOWED_IN_RESULT = {"href", "rel", "start", "title"}
ALLOWED_TAGS = {
    "h1",
    "h2",
    "h3",
    "p",
    "strong",
    "em",
    "s",
    "code",
    "ul",
    "ol",
    "li",
    "blockquote",
    "pre",
    "hr",
    "br",
    "a",
}


@pytest.mark.parametrize(
    "html", [pytest.param(html, id=f"{row}-{i}") for row, texts in GONE.items() for i, html in enumerate(texts)]
)
def test_what_the_editor_cannot_make_is_gone(html: str) -> None:
    found: list[tuple[str, str | None]] = []

    class Collector(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.add(tag)
            found.extend(attrs)

    tags: set[str] = set()
    result = sanitise(html)
    Collector().feed(result)
    assert tags <= ALLOWED_TAGS
    assert {name for name, _ in found} <= ALLOWED_IN_RESULT
    assert all((value or "").startswith(("http://", "https://", "mailto:")) for name, value in found if name == "href")
    assert sanitise(result) == result


@pytest.mark.clause("requirements.md", "XS-05", "quotes in an attribute stay in it")
def test_an_attribute_cannot_be_broken_out_of() -> None:
    result = sanitise("<a href='https://x.example/\"><script>' title='\"><b onclick=x>'>a</a>")
    assert "<script" not in result and "<b" not in result
    assert sanitise(result) == result


HOSTILE = {
    "nested": "<b>" * 5_000 + "x",
    "nested and allowed": "<blockquote>" * 5_000 + "x",
    "nested lists": "<ul><li>" * 2_500 + "x",
    "long attribute": f"<a href='https://x.example/{'a' * 190_000}'>x</a>",
    "many attributes": "<a " + "href=b " * 28_000 + ">x",
    "unclosed": "<" * 5_000,
    "NUL": "a\x00b<p\x00>c",
    "UTF-7": "+ADw-script+AD4-",
    "lone surrogate": "a\ud800b",
    "BOM": "a\ufeffb",
    "many links": f"{TODO}/todos/1 " * 1600,
    "almost links": "http://" * 28_000,
    "a long query": f"{TODO}/todos/1?" + "a=" * 99_000,
    "punctuation": "." * 200_000,
    "punctuation within": "x" + "." * 100_000 + "x",
    "comments": "<!--" * 5_000,
    "styles": "<style>x</style>" * 2_500,
}


@pytest.mark.clause("requirements.md", "XS-12", "whatever its size and bytes, it is sanitised soon")
@pytest.mark.parametrize("html", [pytest.param(html, id=name) for name, html in HOSTILE.items()])
def test_hostile_sizes_and_bytes_cost_steps_in_proportion_to_the_length(html: str) -> None:
    """Calls are counted, not seconds. The parser's own time is bounded by the depth that it gets."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        result = sanitise(html)
    finally:
        sys.setprofile(None)
    assert calls < 60 * MAX_MARKUP
    assert "\x00" not in result and "\ud800" not in result
    assert depth_of(result) <= MAX_DEPTH
    assert sanitise(str.__str__(result)) == result


def depth_of(html: str) -> int:
    """Return how many elements are in each other at most, in HTML whose elements are all closed."""
    steps = [-1 if tag.startswith("</") else 1 for tag in re.findall(r"</?(?!br|hr)[a-z]", html)]
    return max(accumulate(steps), default=0)


@pytest.mark.parametrize("tags", ["<ul><li>", "<ol><li>", "<blockquote>", "<strong>", "<blockquote><p><em><code>"])
@pytest.mark.parametrize("closed", [True, False])
def test_what_is_too_deep_is_flattened_and_keeps_its_words(tags: str, closed: bool) -> None:
    words = [f"w{number}" for number in range(300)]
    ends = "".join(f"</{name}>" for name in reversed(re.findall(r"\w+", tags)))
    html = "".join(f"{tags}{word} " for word in words) + (ends * len(words) if closed else "")
    result = sanitise(html)
    assert re.sub(r"<[^>]*>", " ", result).split() == words
    assert 40 < depth_of(result) <= MAX_DEPTH


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<div>a</div><div>b</div>", "<p>a</p><p>b</p>"),
        ("a<div>b</div>c", "a<p>b</p><p>c</p>"),
        ("<section><h4>a</h4>b</section>", "<p>a</p><p>b</p>"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><th>c</th><td>d</td></tr></table>", "<p>a b</p><p>c d</p>"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "<p>a</p><p>b</p>"),
        ("<ul><li><div>a</div><div>b</div></li></ul>", "<ul><li><p>a</p><p>b</p></li></ul>"),
        ("<p class=MsoListParagraph>1.<span>&nbsp; </span>a</p><p>2. b</p>", "<p>1.&nbsp; a</p><p>2. b</p>"),
        ("<strong><div>a</div><div>b</div></strong>", "<strong>a b</strong>"),
        ("<p>a<p>b<ul><li>c<li>d</ul>", "<p>a</p><p>b</p><ul><li>c</li><li>d</li></ul>"),
        ("<p>a<span>b</span>c</p>", "<p>abc</p>"),
    ],
)
def test_the_words_of_two_blocks_stay_apart(html: str, kept: str) -> None:
    assert sanitise(html) == kept
    assert sanitise(kept) == kept


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("x" * 200_001, "The page is too long: 200,001 characters"),
        (f"{TODO}/todos/1 " * 2_000, "The page is too long: "),
        ("<p>a</p>" * 2_501, "The page has too much markup"),
        ("&" * 5_001, "The page has too much markup"),
        ("\xa0" * 5_001, "The page has too much markup"),
    ],
)
def test_a_text_that_could_not_be_saved_again_is_refused_at_once(html: str, reason: str) -> None:
    with pytest.raises(NotStorable, match=reason):
        sanitise(html)


@pytest.mark.parametrize(
    "html",
    ["x" * 200_000, "🥑" * 200_000, "<p>a</p>" * 2_500, "&" * 5_000, "<" * 5_000, "\xa0" * 5_000,
     f"{TODO}/todos/1 " * 1_600, "<div>a</div>" * 2_500],
)  # fmt: skip
def test_a_text_at_a_limit_can_be_saved_again(html: str) -> None:
    stored = sanitise(html)
    assert sanitise(str.__str__(stored)) == stored


@pytest.mark.clause("requirements.md", "XS-15 XS-20", "text stays text, also that of templates")
def test_entities_stay_text_however_often_they_go_round() -> None:
    text = "&amp;lt;script&amp;gt; {{ 7|add:7 }} [[x]] {% x %}"
    assert sanitise(sanitise(sanitise(f"<p>{text}</p>"))) == f"<p>{text}</p>"


WORD = (
    "<html xmlns:o='urn:schemas-microsoft-com:office:office'><head><style>p.MsoNormal {color: red}</style>"
    "<!--[if gte mso 9]><xml><o:p>x</o:p></xml><![endif]--></head><body lang=EN style='tab-interval:36pt'>"
    "<p class=MsoNormal style='mso-margin:0' align=center><b><span style='color:red'>Bold</span></b><o:p></o:p></p>"
    "<ul type=disc><li class=MsoListParagraph>One</li></ul><table><tr><td>Cell</td></tr></table></body></html>"
)
GOOGLE_DOCS = (
    "<meta charset='utf-8'><b style='font-weight:normal' id='docs-internal-guid-1'><p dir='ltr' style='line-height:1'>"
    "<span style='font-size:11pt;font-family:Arial'>Text with a </span><a href='https://ok.example' style='x:y'>"
    "<span>link</span></a></p><br class='Apple-interchange-newline'></b>"
)


@pytest.mark.clause(
    "requirements.md", "XS-21", "what other programs put on the clipboard is cleaned like anything else"
)
@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        (WORD, "<p>Bold</p><ul><li>One</li></ul><p>Cell</p>"),
        (
            GOOGLE_DOCS,
            '<p>Text with a <a href="https://ok.example" rel="noopener noreferrer nofollow">link</a></p><br>',
        ),
        ("# no heading **no bold** <b>x</b> `<script>`", "# no heading **no bold** x `"),
    ],
    ids=["Word", "Google Docs", "Markdown"],
)
def test_pasted_text_is_cleaned(pasted: str, kept: str) -> None:
    assert sanitise(pasted) == kept
    assert sanitise(kept) == kept


EVIL = "<p>ok<script>x</script></p>"


def _stored(article: Article) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM wiki_article WHERE id = %s", [article.pk])
        return str(cursor.fetchone()[0])


@pytest.mark.clause("requirements.md", "XS-16", "sanitised on every way in")
def test_every_way_into_the_database_sanitises(bob: User) -> None:
    article = Article.objects.create(author=bob, title="t", content=EVIL)
    assert article.content == _stored(article) == "<p>ok</p>"
    article.content = EVIL
    article.save(update_fields=["content"])
    assert article.content == _stored(article) == "<p>ok</p>"
    Article.objects.update(content=EVIL)
    assert _stored(article) == "<p>ok</p>"
    Article.objects.bulk_update([Article(pk=article.pk, content=EVIL)], ["content"])
    assert _stored(article) == "<p>ok</p>"
    (created,) = Article.objects.bulk_create([Article(author=bob, tenant=bob.tenant, title="t", content=EVIL)])
    assert _stored(created) == "<p>ok</p>"
    fixture = serializers.serialize("json", [article]).replace("<p>ok</p>", EVIL)
    for loaded in serializers.deserialize("json", fixture):
        loaded.save()
    assert _stored(article) == "<p>ok</p>"


@pytest.mark.clause("requirements.md", "XS-16", "cleaned once: what is stored is what is shown")
def test_a_text_is_cleaned_once_and_not_when_it_is_shown_or_its_title_changes(
    bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned: list[str] = []
    flatten = content.flatten

    def noted(html: str, *rest: Any) -> str:
        cleaned.append(html)
        return flatten(html, *rest)

    monkeypatch.setattr(content, "flatten", noted)
    browser = browser_of(bob)
    article = Article.objects.create(author=bob, title="t", content=EVIL)
    assert cleaned == [EVIL]
    for path in (f"/pages/{article.pk}", f"/pages/{article.pk}/edit", "/pages/", f"/api/articles/{article.pk}"):
        assert browser.get(path).status_code == 200
    browser.put(f"/api/articles/{article.pk}", {"title": "another"}, content_type="application/json")
    assert cleaned == [EVIL]


@pytest.mark.parametrize("by", ["create by API", "change by API", "edit page"])
def test_a_text_is_cleaned_before_the_transaction(
    bob: User, monkeypatch: pytest.MonkeyPatch, transactional_db: None, by: str
) -> None:
    """On SQLite a transaction keeps all other writers waiting."""
    article, browser = Article.objects.create(author=bob, title="t"), browser_of(bob)
    inside: list[bool] = []
    flatten = content.flatten

    def noted(html: str, *rest: Any) -> str:
        inside.append(connection.in_atomic_block)
        return flatten(html, *rest)

    monkeypatch.setattr(content, "flatten", noted)
    body = {"title": "t", "content": "<p>x</p>", "version": 1}
    if by == "create by API":
        browser.post("/api/articles", body, content_type="application/json")
    elif by == "change by API":
        browser.put(f"/api/articles/{article.pk}", body, content_type="application/json")
    else:
        browser.post(f"/pages/{article.pk}/edit", body)
    assert inside == [False]
    assert Article.objects.order_by("-pk")[0].content == "<p>x</p>"


@pytest.mark.parametrize("text", ["🥑" * 75_000, "x" * 200_000])
def test_a_long_text_comes_through_every_way(bob: User, text: str) -> None:
    article, browser = Article.objects.create(author=bob, title="t"), browser_of(bob)
    body = {"title": "t", "content": text, "version": 1}
    assert browser.put(f"/api/articles/{article.pk}", body, content_type="application/json").status_code == 200
    form = urlencode(body | {"version": 2})
    kind = "application/x-www-form-urlencoded"
    assert browser.post(f"/pages/{article.pk}/edit", form, content_type=kind).status_code == 302
    assert len(Article.objects.get().content) == len(text)


def test_a_text_that_is_too_long_is_refused_with_the_reason(bob: User) -> None:
    article, browser = Article.objects.create(author=bob, title="t"), browser_of(bob)
    body = {"title": "t", "content": f"{TODO}/todos/1 " * 2_000, "version": 1}
    answer = browser.put(f"/api/articles/{article.pk}", body, content_type="application/json")
    assert answer.status_code == 422
    assert "The page is too long" in answer.json()["error_description"]
    page = browser.post(f"/pages/{article.pk}/edit", body)
    assert "The page is too long" in page.content.decode()
    assert f"{TODO}/todos/1" in page.content.decode()
    assert Article.objects.get().content == ""


@pytest.mark.clause("requirements.md", "XS-17", "a preview is cut between characters")
def test_a_preview_is_plain_text_cut_between_characters(bob: User) -> None:
    article = Article(author=bob, content="<p>a &lt;b&gt; &amp;amp;</p><p>c</p>" + f"<p>{'&lt;' * 300}</p>")
    assert article.preview.startswith("a <b> &amp; c <<<")
    assert len(article.preview) == 180 and article.preview.endswith("…")


@pytest.mark.clause("requirements.md", "XS-17", "a text cut within a tag or a character leaks neither")
@pytest.mark.parametrize("tail", ["<a href='https://x.example/' title='&quot;><script>x'>t</a>", "&lt;&amp;lt;&gt;"])
def test_a_preview_survives_a_cut_anywhere(bob: User, tail: str) -> None:
    for visible in range(len(tail) + 1):
        start = "<p>start</p><!---->"
        padding = "x" * (5000 - len(start) - visible)  # the preview reads 5000 characters
        preview = Article(author=bob, content=f"<p>start</p><!--{padding}-->{tail}").preview
        assert preview == "start" or preview.startswith("start ")
        assert not any(inside in preview for inside in ("href", "title", "x.example", "xxx", "<a", "script"))


@pytest.mark.clause("requirements.md", "XS-17 XS-18", "a preview is escaped where it is shown")
def test_a_preview_is_text_in_the_list(bob: User) -> None:
    Article.objects.create(
        author=bob, title="t", content="<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp;lt;b&amp;gt;</p>"
    )
    page = browser_of(bob).get("/pages/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;lt;b&amp;gt;" in page
    assert "<script>alert" not in page


@pytest.mark.clause("requirements.md", "XS-14", "a title is one line of text")
@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("<b>x</b>", "<b>x</b>"),
        ("two\nlines\t\x00", "two lines"),
        ("\u202eright to left", "right to left"),
        ("🥑 avocado", "🥑 avocado"),
        ("   ", "Untitled"),
        ("x" * 10_000, "x" * 199 + "…"),
    ],
)
def test_a_title_is_one_line_of_limited_length(bob: User, title: str, kept: str) -> None:
    assert Article.objects.create(author=bob, title=title).title == kept
