"""An input for a path: Tab completes it, as in a shell."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from vtsfind.tui.services.typed_paths import complete_path
from vtsfind.tui.widgets.text_width import cut

_NO_MATCH = "No file or folder of this name"


class PathInput(Input):
    """An input whose Tab key completes paths; its lower border lists what the path can go on with.

    Parameters
    ----------
    value
        The text at first.
    placeholder
        Shown while it is empty.
    folders_only
        Whether only folders are offered.
    tab_leaves
        Whether Tab goes to the next widget once there is nothing to complete.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", "Complete", show=False)]

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        folders_only: bool = False,
        tab_leaves: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(value, placeholder=placeholder, id=id)
        self._folders_only = folders_only
        self._tab_leaves = tab_leaves

    def action_complete(self) -> None:
        """Complete the path as far as it is clear."""
        completion = complete_path(self.value, folders_only=self._folders_only)
        if completion.text != self.value:
            self.value = completion.text
            self.cursor_position = len(self.value)
        elif self._tab_leaves and (self.value.endswith("/") or len(completion.candidates) < 2):
            self.screen.focus_next()
            return
        self._show_candidates(completion.candidates)

    def _show_candidates(self, names: tuple[str, ...]) -> None:
        if len(names) == 1:
            self.border_subtitle = ""
        elif names:
            self.border_subtitle = cut("  ".join(names), max(8, self.size.width - 6)).rstrip()
        else:
            self.border_subtitle = _NO_MATCH

    def watch_value(self) -> None:
        """Forget the candidates of another text."""
        self.border_subtitle = ""
