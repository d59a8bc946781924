"""Where cards lie in a grid: one row that scrolls sideways, or rows that scroll down. Plain arithmetic, no widget."""

from dataclasses import dataclass

from textual.geometry import Offset, Region, Size


@dataclass(frozen=True, slots=True)
class GridLayout:
    """The layout of cards in a view; all sizes in characters and lines."""

    view: Size
    """The visible part."""
    count: int
    """Number of cards."""
    min_card_width: int
    max_card_width: int
    """Only for one row; in several rows the cards share the width."""
    card_lines: int
    """Height of a card in several rows; in one row a card is as high as the view."""
    one_row: bool

    @property
    def columns(self) -> int:
        """Cards in a row."""
        if self.one_row:
            return max(1, self.count)
        return max(1, self.view.width // self.min_card_width)

    @property
    def card(self) -> Size:
        """Size of a card."""
        width, height = self.view
        if not self.one_row:
            return Size(max(8, width // self.columns), self.card_lines)
        shown = max(1, min(self.count, width // self.min_card_width))
        return Size(max(8, min(width // shown, self.max_card_width)), max(1, height))

    @property
    def virtual_size(self) -> Size:
        """Size of all cards together, where they need scrolling."""
        width, height = self.card
        if self.one_row:
            needed = width * self.count
            # Another virtual size makes Textual lay the screen out anew: only where there is something to scroll.
            return Size(needed if needed > self.view.width else 1, 1)
        return Size(1, -(-self.count // self.columns) * height)

    @property
    def page(self) -> int:
        """Cards that the view shows whole."""
        width, height = self.card
        shown = self.view.width // width if self.one_row else self.view.height // height * self.columns
        return max(1, shown)

    def hidden(self, scroll: Offset) -> tuple[int, int]:
        """Of one row, the cards that lie beyond the left and the right edge, at least in part."""
        width = self.card.width
        last_whole = (scroll.x + self.view.width) // width
        return -(-scroll.x // width), max(0, self.count - last_whole)

    def region(self, index: int) -> Region:
        """Where a card lies, as far as scrolling to it needs it."""
        width, height = self.card
        if self.one_row:
            return Region(index * width, 0, width, 1)
        return Region(0, index // self.columns * height, 1, height)

    def origin(self, index: int) -> Offset:
        """The upper left corner of a card."""
        width, height = self.card
        if self.one_row:
            return Offset(index * width, 0)
        return Offset(index % self.columns * width, index // self.columns * height)

    def visible(self, scroll: Offset) -> range:
        """The cards of which a part may be visible."""
        width, height = self.card
        if self.one_row:
            first = scroll.x // width
            last = first + self.view.width // width + 2
        else:
            first = scroll.y // height * self.columns
            last = first + (self.view.height // height + 2) * self.columns
        return range(min(first, self.count), min(last, self.count))

    def index_at(self, place: Offset, scroll: Offset) -> int | None:
        """The card at a place of the view; None if there is none."""
        width, height = self.card
        if self.one_row:
            index = (place.x + scroll.x) // width
        else:
            column = min(place.x // width, self.columns - 1)
            index = (place.y + scroll.y) // height * self.columns + column
        return index if index < self.count else None
