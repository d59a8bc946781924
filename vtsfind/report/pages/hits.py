"""The answers to queries as a contact sheet: each photo asked for, and what looks like it."""

import os
from html import escape

from vtsfind.base.paths import show_path, show_path_from_home
from vtsfind.base.words import counted
from vtsfind.engine.search.query import Answer, Neighbour, Similar
from vtsfind.engine.search.where import day_of
from vtsfind.report.pages.page import Thumbnail, html_page, picture
from vtsfind.report.query import query_title


def hits_page(found: Similar, thumbnail: Thumbnail) -> bytes:
    """The page, UTF-8.

    Parameters
    ----------
    found
        Queries with their answers.
    thumbnail
        Makes the pictures.
    """
    return html_page("Similar photos", "".join(_section(answer, thumbnail) for answer in found.answers))


def _section(answer: Answer, thumbnail: Thumbnail) -> str:
    name = query_title(answer.query)
    if answer.failure:
        return f"<h2>{escape(name)}</h2>\n<p class='problem'>{escape(str(answer.failure))}</p>\n"
    cards = "".join(_card(hit, thumbnail(hit.path)) for hit in answer.neighbours)
    return f"<h2>{escape(name)}: {counted(len(answer.neighbours), 'photo')}</h2>\n<ul class='cards'>\n{cards}</ul>\n"


def _card(hit: Neighbour, jpeg: bytes | None) -> str:
    folder, name = os.path.split(hit.path)
    facts = f"{hit.rank}. {hit.distance} of {hit.bits} bits apart, {hit.info.width}x{hit.info.height}"
    day = day_of(hit.info, hit.stamp)
    facts += f", {day.isoformat()}" if day else ""
    if hit.same_content:
        facts += ", the same content"
    return (
        f"<li class='card'>{picture(jpeg, show_path(name))}\n"
        f"<span class='name'>{escape(show_path(name))}</span>\n"
        f"<span class='folder'>{escape(show_path_from_home(folder))}</span>\n"
        f"<span class='facts'>{facts}</span></li>\n"
    )
