"""The dialogs: help, questions before something takes effect, and names that must be typed."""

import os
from collections.abc import Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vtsfind.base.words import counted, file_size
from vtsfind.engine.review.bulk import BulkChoices, GroupSet
from vtsfind.engine.review.filters import IN_DOUBT
from vtsfind.tui.keys import KeyScope, rows
from vtsfind.tui.widgets.path_input import PathInput


class HelpDialog(ModalScreen[None]):
    """The keys of one screen, and those that work everywhere."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,question_mark,f1,q,enter", "dismiss", "Close")]

    def __init__(self, scope: KeyScope) -> None:
        super().__init__()
        self._scope = scope

    def compose(self) -> ComposeResult:
        """Lay the dialog out."""
        with VerticalScroll(id="help", classes="dialog") as box:
            box.border_title = f"Keys: {self._scope.value}"
            box.border_subtitle = "Esc closes"
            yield Static(self._table(self._scope))
            if self._scope is not KeyScope.EVERYWHERE:
                yield Static(Text("\nEverywhere", style="bold"))
                yield Static(self._table(KeyScope.EVERYWHERE))

    @staticmethod
    def _table(scope: KeyScope) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(justify="right", style="bold", no_wrap=True, min_width=10)
        table.add_column()
        for keys, meaning in rows(scope):
            table.add_row(keys, meaning)
        return table


class ConfirmDialog(ModalScreen[bool]):
    """A question with yes and no.

    Parameters
    ----------
    title
        The question.
    lines
        What will happen.
    yes
        What the answer yes does, as an order.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", "Yes"),
        ("n,escape,q", "answer(False)", "No"),
    ]

    def __init__(self, title: str, lines: Iterable[str], yes: str) -> None:
        super().__init__()
        self._title, self._lines, self._yes = title, list(lines), yes

    def compose(self) -> ComposeResult:
        """Lay the dialog out."""
        with VerticalScroll(id="confirm", classes="dialog") as box:
            box.border_title = self._title
            yield Static(Text("\n".join(self._lines)))
            answer = Text("\nPress ")
            answer.append(" y ", style="bold reverse")
            answer.append(f" to {self._yes}, ")
            answer.append(" n ", style="bold reverse")
            answer.append(" to go back.")
            yield Static(answer)

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001 - Textual calls it with the binding's value
        """Close with the answer."""
        self.dismiss(answer)


class BusyDialog(ModalScreen[None]):
    """Takes the keyboard while a job runs that keys would disturb."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Lay the dialog out."""
        with VerticalScroll(id="busy", classes="dialog"):
            yield Static(self._text)


class BulkAcceptDialog(ModalScreen[tuple[int, ...] | None]):
    """Offers sets of groups to accept at once, and closes with the indices of those of the chosen set."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,n,q", "cancel", "Cancel"), ("enter", "cancel", "Close")]

    def __init__(self, choices: BulkChoices) -> None:
        super().__init__()
        self._choices = choices

    def compose(self) -> ComposeResult:
        """Lay the dialog out."""
        with Vertical(id="bulk", classes="dialog") as box:
            box.border_title = "Accept all undecided groups \u2026"
            box.border_subtitle = "Enter accepts, Esc cancels" if self._choices.sets else "Enter closes"
            if self._choices.sets:
                yield OptionList(*(Option(_option_text(each)) for each in self._choices.sets))
                yield Static(
                    Text("Only groups shown in the list. Press u once to undo all of it.", style="dim")
                )
            else:
                yield Static("No group in the list can be accepted without a look.")
            if self._choices.to_check:
                left_out = counted(self._choices.to_check, "group")
                yield Static(
                    Text(
                        f"Left out: {left_out} to check, where it is in doubt which photo to keep or whether a copy may go. `/` and {IN_DOUBT} lists them; look, then press a.",
                        style="bold",
                    )
                )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with the chosen set."""
        self.dismiss(self._choices.sets[event.option_index].numbers)

    def action_cancel(self) -> None:
        """Close without accepting anything."""
        self.dismiss(None)


def _option_text(groups: GroupSet) -> Text:
    text = Text(f"{groups.label}\n", style="bold")
    what = "adds nothing to the plan"
    if groups.files:
        what = f"removes {counted(groups.files, 'photo')}, frees {file_size(groups.gain)}"
    text.append(f"{counted(len(groups.numbers), 'group')}, {what}", style="not bold")
    return text


class AddFolderDialog(ModalScreen[tuple[str, str] | None]):
    """Asks which folder to index into which library.

    Parameters
    ----------
    library
        The library that is proposed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel", "Cancel")]

    def __init__(self, library: str) -> None:
        super().__init__()
        self._library = library

    def compose(self) -> ComposeResult:
        """Lay the dialog out."""
        with Vertical(id="add-folder", classes="dialog") as box:
            box.border_title = "Add a folder"
            box.border_subtitle = "Tab completes, Enter starts, Esc cancels"
            yield Static("Folder with photos. Subfolders are included; no file is changed.")
            yield PathInput(placeholder="~/Pictures", folders_only=True, tab_leaves=True, id="folder")
            yield Static("Library:")
            yield Input(self._library, id="name")

    def on_input_submitted(self) -> None:
        """Close with the folder and the library if both are valid."""
        folder = self.query_one("#folder", Input).value.strip()
        name = self.query_one("#name", Input).value.strip()
        if not os.path.isdir(os.path.expanduser(folder)):
            self.notify(f"There is no folder '{folder}'.", severity="error")
            self.query_one("#folder").focus()
        elif name:
            self.dismiss((folder, name))

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


class PlanFileDialog(ModalScreen[str | None]):
    """Asks for the name of a plan file."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel", "Cancel")]

    def compose(self) -> ComposeResult:
        """Lay the dialog out."""
        with Vertical(id="plan-file", classes="dialog") as box:
            box.border_title = "Write the plan to a file"
            box.border_subtitle = "Enter writes, Esc cancels"
            yield PathInput("plan.txt")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the name."""
        self.dismiss(event.value.strip() or None)

    def action_cancel(self) -> None:
        """Close without a name."""
        self.dismiss(None)
