"""The frame of every page: head, style, script, and pictures as data in the text."""

import base64
import re
from collections.abc import Callable
from html import escape
from importlib.resources import files

from vtsfind.engine.library.outputs import OutputKind

_GENERATOR = '<meta name="generator" content="vtsfind">'
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What a browser lets a page load: nothing from elsewhere, whatever its text contains."""

Thumbnail = Callable[[bytes], bytes | None]
"""The JPEG of a small picture of the photo at a path; None if it cannot be read."""

PAGE_FILE = OutputKind("page", lambda head: _GENERATOR.encode() in head)


def html_page(title: str, body: str, script: str = "") -> bytes:
    """A whole page, UTF-8.

    Parameters
    ----------
    title
        Its name, as plain text.
    body
        HTML.
    script
        The name of a file beside this one with the page's JavaScript; empty for none.
    """
    code = f"<script>\n{_resource(script)}</script>\n" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'{_GENERATOR}\n<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_resource('page.css')}</style>\n</head>\n"
        f"<body>\n{body}{code}</body>\n</html>\n"
    ).encode("utf-8", "replace")


def picture(jpeg: bytes | None, name: str) -> str:
    """A small picture, or a box with a few words if there is none."""
    if jpeg is None:
        return '<span class="nothing">cannot be shown</span>'
    data = base64.b64encode(jpeg).decode()
    return f'<img loading="lazy" alt="{escape(name)}" src="data:image/jpeg;base64,{data}">'


def prose(sentence: str) -> str:
    """A sentence for people as HTML: commands between backticks are code.

    >>> prose("you keep <it> in `vtsfind browse`")
    'you keep &lt;it&gt; in <code>vtsfind browse</code>'
    """
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(sentence))


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
