"""Accepting many groups at once: which ones, how many, and what they give, before anything is decided."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from vtsfind.base.groups import Group
from vtsfind.tui.widgets.text_width import counted, size


class BulkAcceptDialog(ModalScreen[list[int] | None]):
    """Offers sets of groups to be accepted.

    Parameters
    ----------
    choices
        Each set: what it is, and the places of its open groups.
    groups
        All groups.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape,n,q", "leave", "Leave it")]

    def __init__(self, choices: Sequence[tuple[str, list[int]]], groups: Sequence[Group]) -> None:
        super().__init__()
        self._choices = [(words, numbers) for words, numbers in choices if numbers]
        self._groups = groups

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(id="bulk", classes="dialog") as box:
            box.border_title = "Accept all open groups \u2026"
            box.border_subtitle = "Enter accepts, Esc leaves it"
            if self._choices:
                yield OptionList(*(Option(self._words(*choice)) for choice in self._choices))
                yield Static(
                    Text("Only groups that the list shows. One `u` takes all of it back.", style="dim")
                )
            else:
                yield Static("None of them is open any more.")

    def _words(self, what: str, numbers: list[int]) -> Text:
        files = sum(len(self._groups[number].members) - 1 for number in numbers)
        gain = sum(self._groups[number].gain for number in numbers)
        text = Text(f"{what}\n", style="bold")
        text.append(
            f"{counted(len(numbers), 'group')}, up to {counted(files, 'file')} go, {size(gain)}",
            style="not bold",
        )
        return text

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with the chosen set."""
        self.dismiss(self._choices[event.option_index][1])

    def action_leave(self) -> None:
        """Close, and accept nothing."""
        self.dismiss(None)
