"""What the text of a page may contain, whichever way it comes in."""

import time
from html.parser import HTMLParser

import pytest
from django.core import serializers
from django.db import connection

from tenants.models import User
from tests.wiki.people import TODO, browser_of
from wiki.content import sanitise
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


@pytest.mark.clause("requirements.md", "XS-12", "whatever its size and bytes, it is sanitised soon")
@pytest.mark.parametrize(
    "html",
    [
        pytest.param("<b>" * 10_000 + "x", id="nested"),
        pytest.param("<blockquote>" * 10_000 + "x", id="nested and allowed"),
        pytest.param(f"<a href='https://x.example/{'a' * 1_000_000}'>x</a>", id="long attribute"),
        pytest.param("<" * 200_000, id="unclosed"),
        pytest.param("a\x00b<p\x00>c", id="NUL"),
        pytest.param("+ADw-script+AD4-", id="UTF-7"),
        pytest.param("a\ud800b", id="lone surrogate"),
        pytest.param("a\ufeffb", id="BOM"),
        pytest.param(f"{TODO}/todos/1 " * 5000, id="many links"),
        pytest.param("http://" * 30_000, id="almost links"),
        pytest.param("." * 200_000, id="punctuation"),
        pytest.param("x" + "." * 100_000 + "x", id="punctuation within"),
    ],
)
def test_hostile_sizes_and_bytes_are_sanitised_fast(html: str) -> None:
    start = time.process_time()
    result = sanitise(html)
    assert time.process_time() - start < 2
    assert "\x00" not in result and "\ud800" not in result


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
        (WORD, "<p>Bold</p><ul><li>One</li></ul>Cell"),
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


@pytest.mark.clause("requirements.md", "XS-16", "sanitised on the way out too")
def test_an_old_row_is_sanitised_on_the_way_out(bob: User) -> None:
    article = Article.objects.create(author=bob, title="t")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE wiki_article SET content = %s WHERE id = %s", [EVIL, article.pk])
    article.refresh_from_db()
    assert article.safe_content == "<p>ok</p>"
    assert article.preview == "ok"


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
