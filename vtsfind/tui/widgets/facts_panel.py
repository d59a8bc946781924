"""What is known of two compared photos: the verdict, the reason, and the facts in which they differ."""

import os
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from vtsfind.base.groups import Box, Evidence
from vtsfind.base.paths import show_path_from_home
from vtsfind.engine.review.facts import FileFact
from vtsfind.engine.review.relations import Relation
from vtsfind.tui.widgets.text_width import cut_path

_FRAME = 6
"""Characters beside a line of text: the border, its padding, and the scrollbar."""
_UNITS_S = (("days", 86_400), ("h", 3_600), ("min", 60))
"""Units of time, in seconds."""


class FactsPanel(VerticalScroll, can_focus=False):
    """The table below two compared photos; with the class `-details` it is larger and has the numbers too."""

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield Static(id="verdict")
        yield Static(id="pair-folders")
        yield Static(id="evidence")
        yield Static(id="facts")
        yield Static(id="same")

    def show(
        self,
        pair: tuple[Relation, Relation],
        names: tuple[str, str],
        reasons: Sequence[str],
        lines: list[FileFact],
    ) -> None:
        """Show what is known of a keeper and another photo, by their names; `reasons` says what becomes of each, and why."""
        self.query_one("#verdict", Static).update(Text(verdict_text(pair, names), style="bold"))
        self.query_one("#pair-folders", Static).update(Text(self._folders_text(pair, names)))
        text = Text("\n".join(reasons), style="italic")
        if self.has_class("-details"):
            text.append(f"\n{numbers_text(pair[1].member.evidence)}", style="not italic")
        self.query_one("#evidence", Static).update(text)
        self.query_one("#facts", Static).update(self._table([line for line in lines if not line.same]))
        same = ", ".join(f"{line.name} {line.first}" for line in lines if line.same)
        self.query_one("#same", Static).update(Text(f"the same: {same}" if same else ""))

    def _folders_text(self, pair: tuple[Relation, Relation], names: tuple[str, str]) -> str:
        """The folders of both photos in a line, or one each; cut to it unless there is room."""
        folders = [show_path_from_home(os.path.dirname(each.member.photo.path)) for each in pair]
        said = ["both"] if folders[0] == folders[1] else list(names)
        room = self.app.size.width - _FRAME - len(f"{said[0]} in ")
        return "\n".join(
            f"{name} in {folder if self.has_class('-details') else cut_path(folder, room).rstrip()}"
            for name, folder in zip(said, folders, strict=False)
        )

    def _table(self, lines: list[FileFact]) -> Table:
        table = Table(box=None, padding=(0, 1), show_header=False, expand=True)
        table.add_column(no_wrap=True, style="dim")
        table.add_column(ratio=1, overflow="fold")
        table.add_column(ratio=1, overflow="fold")
        colours = self.app.theme_variables
        good, bad, other = colours["text-success"], colours["text-error"], colours["text-warning"]
        for line in lines:
            styles = {0: (other, other), 1: (good, bad), 2: (bad, good)}[line.better]
            texts = (
                Text(text or "\u2013", style)
                for text, style in zip((line.first, line.second), styles, strict=True)
            )
            table.add_row(line.name, *texts)
        return table


def verdict_text(pair: tuple[Relation, Relation], names: tuple[str, str]) -> str:
    """What a keeper and another photo are to each other, in one line; `names` are theirs."""
    other, evidence = pair[1], pair[1].member.evidence
    parts = [": ".join(filter(None, (other.label, other.edit)))]
    if evidence.box is not None and "%" not in other.edit:
        boxed = evidence.boxed or 0
        parts.append(_box_text(pair[boxed], pair[1 - boxed], evidence.box, names[boxed], names[1 - boxed]))
    if evidence.seconds_apart is not None:
        parts.append(f"{_time(evidence.seconds_apart)} apart")
    if evidence == Evidence():
        parts.append("not compared with each other directly")
    return ", ".join(parts)


def _box_text(wider: Relation, narrower: Relation, box: Box, wider_name: str, narrower_name: str) -> str:
    """How much of a picture another one shows, or of a screenshot a photo fills."""
    share = f"{100 * box.area:.0f} %"
    if wider.is_screenshot and not narrower.is_screenshot:
        return f"the photo fills {share} of the screenshot"
    if narrower.is_screenshot and not wider.is_screenshot:
        return f"the screenshot shows {share} of the photo"
    return f"{narrower_name} shows {share} of {wider_name}"


def numbers_text(evidence: Evidence) -> str:
    """The numbers behind a verdict, in one line."""
    parts = [evidence.note] if evidence.note else []
    if evidence.distance is not None and evidence.bits:
        parts.append(f"{evidence.distance} of {evidence.bits} bits differ")
    if evidence.agreement is not None:
        parts.append(f"{100 * evidence.agreement:.1f} % of the blocks with texture are the same")
    if evidence.inliers is not None:
        parts.append(f"{evidence.inliers} local features match")
    return "; ".join(parts) or "no numbers"


def _time(seconds: float) -> str:
    """A time in the largest unit of which it has two at least."""
    for unit, length in _UNITS_S:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds} s"
