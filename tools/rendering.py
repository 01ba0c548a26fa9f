"""HTML for a page: markdown by markdown-it, code by Pygments, pictures as they are."""

import re
from base64 import b64encode
from functools import cache
from html import escape, unescape
from mimetypes import guess_type
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from tools.book import BookError
from tools.heights import size_of
from tools.pages import Output, reader

ELSEWHERE = re.compile(
    r"<(?:script|style|iframe|link|object|embed)\b"
    r"|<[^>]*\ssrc=(?![\"']?data:)[^>]*>|<image\b[^>]*href=(?![\"']?data:)[^>]*>"
    r"|<[^>]*\burl\((?![\"']?(?:#|data:))[^>]*>",
    re.IGNORECASE,
)
NAMED = re.compile(r"(\bid=[\"']|\bhref=[\"']#|url\([\"']?#)([\w.-]+)")


def markdown(text: str, folder: Path) -> str:
    """Return markdown as HTML that needs nothing else. Raises BookError when it cannot be."""
    writer = coloured_reader()
    tokens = writer.parse(text)
    for token in (child for each in tokens for child in [each, *(each.children or [])]):
        contain(token, folder)
    made = str(writer.renderer.render(tokens, writer.options, {}))
    if found := ELSEWHERE.search(made):
        what = f"'{found[0][:60]}' would be loaded from elsewhere"
        raise BookError(f"{what}; use a picture beside the notebook, or words")
    return made


@cache
def coloured_reader() -> MarkdownIt:
    """Return what reads the markdown, and writes it with its listings in colours."""
    options = {"highlight": lambda text, lexer, _: coloured(text, lexer)}
    return MarkdownIt("commonmark", options).enable("table")


def contain(token: Token, folder: Path) -> None:
    """Put a picture of this checkout into the page, and let only links to the web be links."""
    href = str(token.attrs.get("href", ""))
    if token.type == "link_open" and not href.startswith(("https://", "http://")):
        del token.attrs["href"]
    elif token.type == "link_open":
        token.attrs.update(target="_blank", rel="noopener")
    elif token.type == "image":
        path = folder / str(token.attrs["src"])
        if path.is_file():
            data = b64encode(path.read_bytes()).decode()
            token.attrs["src"] = f"data:{guess_type(path.name)[0]};base64,{data}"


def code(text: str, kind: str = "") -> str:
    """Return a box of code."""
    name = f' class="{kind}"' if kind else ""
    return f"<pre{name}><code>{coloured(text, 'python')}</code></pre>"


def coloured(text: str, name: str) -> str:
    """Return code with a span around each word that has a colour in the style sheet."""
    try:
        lexer = get_lexer_by_name(name or "text", stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(text, quote=False)
    return str(highlight(text, lexer, HtmlFormatter(nowrap=True))).removesuffix("\n")


def output(shown: Output, scale: float, prefix: str) -> str:
    """Return what a cell gave: a picture on its own card, or the lines that it printed."""
    if not shown.picture:
        return f'<pre class="output">{escape(shown.text, quote=False)}</pre>'
    return f'<div class="picture">{picture(shown.text, scale, prefix)}</div>'


def picture(svg: str, scale: float, prefix: str) -> str:
    """Return an SVG in its size on the page, its ids its own. Raises BookError."""
    if ELSEWHERE.search(svg):
        what = (
            "its SVG has a style sheet, or something from elsewhere, which would reach other pages"
        )
        raise BookError(f"{what}; use attributes")
    width, height = size_of(svg)
    svg = svg[svg.index("<svg") :]
    tag, rest = svg[: svg.index(">") + 1], svg[svg.index(">") + 1 :]
    if "viewBox" not in tag:
        tag = tag.replace("<svg", f'<svg viewBox="0 0 {width:g} {height:g}"', 1)
    tag = re.sub(r"\s(?:width|height)=(?:\"[^\"]*\"|'[^']*')", "", tag)
    size = f'<svg width="{width * scale:.0f}" height="{height * scale:.0f}"'
    return NAMED.sub(rf"\g<1>{prefix}-\g<2>", tag.replace("<svg", size, 1) + rest)


def words_of(text: str) -> str:
    """Return markdown of one line as words, for a name that a screen reader speaks."""
    return unescape(re.sub(r"<[^>]+>", "", reader().renderInline(text))).strip()
