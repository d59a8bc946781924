"""Groups of duplicates as a page on which a person chooses what goes, and saves that as a plan for `vtsfind apply`."""

import os
from collections.abc import Sequence
from html import escape

from vtsfind.act.edit_kind import edit_kind, kind_label
from vtsfind.act.plan import Plan, PlannedFile
from vtsfind.base.groups import Group, Member
from vtsfind.base.operations import Action
from vtsfind.base.paths import show_path, show_path_from_home
from vtsfind.base.words import counted, file_size
from vtsfind.report.pages.page import Thumbnail, html_page, picture, prose
from vtsfind.report.plan import plan_json

_PLAN_NAME = "vtsfind-plan.json"


def groups_page(groups: Sequence[Group], plan: Plan, thumbnail: Thumbnail) -> bytes:
    """The page, UTF-8.

    Parameters
    ----------
    groups
        As `vtsfind.engine.duplicates.pipeline` found them.
    plan
        A plan of these groups: the boxes of the photos that it removes are ticked, but in groups where it is in doubt which
        photo to keep.
    thumbnail
        Makes the pictures.
    """
    by_number = {group.number: group for group in groups}
    body = [_head(groups, plan)]
    body += [_section(by_number[planned.number], planned.files, thumbnail) for planned in plan.groups]
    records = ",\n".join(plan_json(plan)).replace("<", "\\u003c")
    body.append(f'<script type="application/json" id="plan">[\n{records}\n]</script>\n')
    return html_page("Duplicates", "".join(body), "groups.js")


def _head(groups: Sequence[Group], plan: Plan) -> str:
    edits = sum(member.is_kept_edit for group in groups for member in group.members[1:])
    doubts = sum(group.tied for group in groups)
    said = ""
    if edits:
        said += f"<p>{counted(edits, 'edited photo')} may be wanted as well: not ticked.</p>\n"
    if doubts:
        said += f"<p>Check {counted(doubts, 'group')}: it is in doubt which photo to keep. Nothing is ticked there.</p>\n"
    return (
        f"<h1>{counted(len(plan.groups), 'group')} of duplicates</h1>\n"
        f'<p class="quiet">Library {escape(show_path(plan.library))}, {escape(plan.made)}. This page changes no photo. Tick '
        "what is to go, save the plan, then run <code>vtsfind apply</code> with the saved file.</p>\n"
        f"{said}"
        '<div class="bar"><strong id="totals" role="status"></strong>'
        f'<button id="save" data-file="{_PLAN_NAME}">Save the plan (s)</button>'
        '<span class="quiet">n, p: next and previous group; Tab: next photo; Space: tick</span></div>\n'
    )


def _section(group: Group, files: tuple[PlannedFile, ...], thumbnail: Thumbnail) -> str:
    members = {member.photo.path: member for member in group.members}
    cards = "".join(
        _card(group, place, file, members[file.path], thumbnail(file.path))
        for place, file in enumerate(files)
    )
    heading = f"Group {group.number}: {counted(len(files), 'photo')}"
    return (
        f'<section data-group="{group.number}"><h2>{escape("; ".join(filter(None, (heading, group.doubt_words))))}</h2>\n'
        f'<p class="problem" role="alert"></p>\n<ul class="cards">\n{cards}</ul></section>\n'
    )


def _card(group: Group, place: int, file: PlannedFile, member: Member, jpeg: bytes | None) -> str:
    folder, name = os.path.split(file.path)
    photo = member.photo
    facts = [f"{photo.info.width}x{photo.info.height}", file_size(photo.stamp.size)]
    if photo.info.taken:
        facts.append(f"taken {photo.info.taken}")
    goes = file.action is not None and file.action is not Action.KEEP and not group.tied
    edit = edit_kind(member, group.members[0])
    label = ": ".join(filter(None, (kind_label(member, group.members[0]), edit)))
    kind = f"<b>{escape(label)}</b>: " if label else ""
    along = "".join(
        f'<span class="facts">with {escape(show_path(os.path.basename(one.path)))}</span>\n'
        for one in file.sidecars
    )
    return (
        f'<li class="card">{picture(jpeg, show_path(name))}\n'
        f'<span class="name">{escape(show_path(name))}</span>\n'
        f'<span class="folder">{escape(show_path_from_home(folder))}</span>\n'
        f'<span class="facts">{escape(", ".join(facts))}</span>\n{along}'
        f'<span class="why">{kind}{prose(member.explanation)}</span>\n'
        f'<label class="choice"><input type="checkbox" data-group="{group.number}" data-file="{place}"{" checked" * goes}> '
        "Move to the trash</label></li>\n"
    )
