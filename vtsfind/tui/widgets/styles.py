"""The colours of text in widgets that draw their own lines: a name's ink on a widget's, or a line's, paper."""

from rich.style import Style
from textual.widget import Widget


class Inks:
    """The styles of a widget's components, as they look on its background; forgotten when the theme changes.

    Parameters
    ----------
    widget
        Whose components they are.
    prefix
        What their names begin with.
    """

    def __init__(self, widget: Widget, prefix: str) -> None:
        self._widget = widget
        self._prefix = prefix
        self._known: dict[tuple[str, str], Style] = {}

    def clear(self) -> None:
        """Forget them."""
        self._known.clear()

    def __call__(self, name: str = "", paper: str = "") -> Style:
        """The style of text `name` on the background of the component `paper`, or on the widget's own."""
        style = self._known.get((name, paper))
        if style is None:
            style = self._known[name, paper] = self._made(name, paper)
        return style

    def _made(self, name: str, paper: str) -> Style:
        style = self._widget.rich_style
        if paper:
            sheet = self._widget.get_component_rich_style(f"{self._prefix}--{paper}")
            style += Style(bgcolor=sheet.bgcolor, bold=sheet.bold)
        if name:
            component = f"{self._prefix}--{name}"
            own = self._widget.get_component_rich_style(component, partial=True)
            full = self._widget.get_component_rich_style(component)
            # A partial style has its colour before it is laid, half transparent, over the background.
            style += own + Style(color=full.color)
            if own.bgcolor is not None:
                style += Style(bgcolor=full.bgcolor)
        return style
