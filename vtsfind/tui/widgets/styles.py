"""Styles of text in widgets that draw their own lines."""

from rich.style import Style
from textual.widget import Widget


class LineStyles:
    """The styles of a widget's component classes, combined with a background, and cached until the theme changes.

    Parameters
    ----------
    widget
        The widget.
    prefix
        The prefix of its component classes.
    """

    def __init__(self, widget: Widget, prefix: str) -> None:
        self._widget = widget
        self._prefix = prefix
        self._cache: dict[tuple[str, str], Style] = {}

    def clear(self) -> None:
        """Empty the cache, for another theme."""
        self._cache.clear()

    def __call__(self, name: str = "", background: str = "") -> Style:
        """The style of text `name` on the background of the component `background`, or on the widget's own."""
        style = self._cache.get((name, background))
        if style is None:
            style = self._cache[name, background] = self._combined(name, background)
        return style

    def _combined(self, name: str, background: str) -> Style:
        style = self._widget.rich_style
        if background:
            background_component = self._widget.get_component_rich_style(f"{self._prefix}--{background}")
            style += Style(bgcolor=background_component.bgcolor, bold=background_component.bold)
        if name:
            component = f"{self._prefix}--{name}"
            own = self._widget.get_component_rich_style(component, partial=True)
            full = self._widget.get_component_rich_style(component)
            # A partial style has its colour before it is laid, half transparent, over the background.
            style += own + Style(color=full.color)
            if own.bgcolor is not None:
                style += Style(bgcolor=full.bgcolor)
        return style
