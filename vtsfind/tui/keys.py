"""The one table of everything a key does. Bindings, the footer, the help and docs/keys.md are made from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding, BindingType


class KeyScope(StrEnum):
    """A part of the program that has keys of its own; the value is its heading."""

    EVERYWHERE = "Everywhere"
    HOME = "Home"
    GROUPS = "Groups"
    COMPARE = "Compare"
    SEARCH = "Search"
    APPLY = "Apply"
    HISTORY = "History"


@dataclass(frozen=True, slots=True)
class KeyAction:
    """Something that a person can do."""

    part: KeyScope
    name: str
    """The method `action_NAME` of the part's screen, or of the application, does it; arguments in brackets."""
    keys: str
    """As Textual names them, separated by commas."""
    label: str
    """One or two words for the footer."""
    help: str
    """A sentence for the help."""
    footer: bool = False
    """Whether the footer shows it."""
    priority: bool = False
    """Whether it also works while something is typed."""
    shown: str = ""
    """The keys for people, if their names do not say it."""


E, H, G, C, S, A, R = KeyScope
ACTIONS = (
    KeyAction(E, "help", "question_mark,f1", "Help", "Show the keys of the part in front.", footer=True, shown="?, F1"),
    KeyAction(E, "quit", "q", "Quit", "Leave; every mark is kept already.", footer=True),
    KeyAction(E, "interrupt", "ctrl+c", "Quit", "Stop what runs, if something does; else leave.", priority=True),
    KeyAction(E, "command_palette", "ctrl+p", "Commands", "Find any command by its name; choose a theme.", shown="Ctrl-P"),
    KeyAction(E, "go('home')", "f2", "Home", "Libraries, their state, and indexing."),
    KeyAction(E, "go('groups')", "f3", "Groups", "Review groups of duplicates."),
    KeyAction(E, "go('search')", "f4", "Search", "Look for photos that look like one."),
    KeyAction(E, "go('apply')", "f5", "Apply", "The plan, and carrying it out."),
    KeyAction(E, "go('history')", "f6", "History", "What was done to files, and taking it back."),
    KeyAction(E, "turn(-1)", "left_square_bracket", "Previous", "The screen to the left.", shown="["),
    KeyAction(E, "turn(1)", "right_square_bracket", "Next", "The screen to the right.", shown="]"),
    KeyAction(H, "index", "i", "Index", "Look for new and changed photos, in the background.", footer=True),
    KeyAction(H, "add", "n", "Add folder", "Index another folder, into this library or a new one.", footer=True),
    KeyAction(H, "cancel", "escape", "Stop", "Stop the indexing; what was read is kept.", footer=True, shown="Esc"),
    KeyAction(H, "open", "enter", "Open", "Open the library under the cursor.", footer=True),
    KeyAction(H, "reload", "r", "Compare again", "Look for duplicates again, with what was indexed since.", footer=True),
    KeyAction(G, "accept", "a", "Accept", "Let the marks hold, and go on to the next open group.", footer=True),
    KeyAction(G, "drop", "space", "Mark", "Keep the photo under the cursor, or let it go.", footer=True),
    KeyAction(G, "refuse", "n", "Not dup", "The photo is no duplicate; remembered for ever. On the keeper: none is.", footer=True),
    KeyAction(G, "undo", "u", "Undo", "Take the latest mark back, then the one before, ...", footer=True),
    KeyAction(G, "compare", "enter", "Compare", "Look at the photos closely, beside each other.", footer=True),
    KeyAction(G, "accept_all", "A", "Alike", "Accept all groups of this kind, or of these folders, after showing how many.", footer=True, shown="A"),
    *(
        KeyAction(G, f"choose({digit})", str(digit), f"Keeper {digit}", "Make that photo the keeper.")
        for digit in range(1, 10)
    ),
    KeyAction(G, "reopen", "backspace", "Reopen", "Take every mark of the group away."),
    KeyAction(G, "next_open", "full_stop", "Next open", "Go to the next group that nobody has decided.", shown="."),
    KeyAction(G, "similar", "s", "Similar", "Search for photos that look like the one under the cursor."),
    KeyAction(G, "filter", "slash", "Filter", "Show groups with these words in a path; `>5MB`, `kind:edit,burst` work, too.", footer=True, shown="/"),
    KeyAction(G, "sort", "t", "Sort", "Sort by size to gain, kind, folder, date, number of photos."),
    KeyAction(G, "reverse", "T", "Turn round", "Turn the order round.", shown="T"),
    KeyAction(G, "kinds", "f", "Kinds", "Show one kind of groups after the other."),
    KeyAction(G, "view", "o", "Open", "Open the photo in the desktop's viewer."),
    KeyAction(G, "folder", "O", "Folder", "Open the photo's folder.", shown="O"),
    KeyAction(G, "member(-1)", "left,h", "Left", "The photo to the left."),
    KeyAction(G, "member(1)", "right,l", "Right", "The photo to the right."),
    KeyAction(C, "back", "escape,backspace", "Back", "Back to the groups.", footer=True, shown="Esc"),
    KeyAction(C, "mode('side')", "v", "Side by side", "Two photos beside each other, at the same zoom.", footer=True),
    KeyAction(C, "flicker", "f", "Flicker", "Swap the two photos in one place.", footer=True),
    KeyAction(C, "mode('difference')", "d", "Difference", "Show where the two photos differ, brighter where more.", footer=True),
    KeyAction(C, "box", "b", "Box", "Show or hide the part that the other photo shows.", footer=True),
    KeyAction(C, "other(1)", "tab", "Next photo", "Compare the keeper with the group's next photo.", footer=True, shown="Tab"),
    KeyAction(C, "other(-1)", "shift+tab", "Previous photo", "Compare the keeper with the photo before.", shown="Shift-Tab"),
    KeyAction(C, "zoom(1)", "plus,equals_sign", "Closer", "Look closer.", shown="+"),
    KeyAction(C, "zoom(-1)", "minus", "Farther", "Look from farther away.", shown="-"),
    KeyAction(C, "whole", "0", "Whole", "Show the whole photos."),
    KeyAction(C, "pan(-1,0)", "left,h", "Left", "Move to the left, both photos."),
    KeyAction(C, "pan(1,0)", "right,l", "Right", "Move to the right."),
    KeyAction(C, "pan(0,-1)", "up,k", "Up", "Move up."),
    KeyAction(C, "pan(0,1)", "down,j", "Down", "Move down."),
    KeyAction(C, "accept", "a", "Accept", "Let the marks hold, and go on to the next open group.", footer=True),
    KeyAction(C, "drop", "space", "Keep/drop", "Keep the photo on the right, or let it go."),
    KeyAction(C, "refuse", "n", "No duplicate", "The photo on the right is no duplicate."),
    KeyAction(C, "undo", "u", "Undo", "Take the latest mark back."),
    *(
        KeyAction(C, f"choose({digit})", str(digit), f"Keeper {digit}", "Make that photo the keeper.")
        for digit in range(1, 10)
    ),
    KeyAction(C, "group(1)", "greater_than_sign,pagedown", "Next group", "The next group.", shown=">, PgDn"),
    KeyAction(C, "group(-1)", "less_than_sign,pageup", "Previous group", "The group before.", shown="<, PgUp"),
    KeyAction(C, "view", "o", "Open", "Open the photo on the right in the desktop's viewer."),
    KeyAction(C, "folder", "O", "Folder", "Open its folder.", shown="O"),
    KeyAction(S, "ask", "slash", "Path", "Type, paste or drop the path of a photo to look for.", footer=True, shown="/"),
    KeyAction(S, "similar", "s,enter", "Similar", "Go on with the photo under the cursor.", footer=True, shown="s, Enter"),
    KeyAction(S, "back", "backspace", "Back", "Back to the question before.", footer=True),
    KeyAction(S, "head", "c", "Compare by", "Compare what is in the picture (scene), or whether it is the same picture (copy).", footer=True),
    KeyAction(S, "radius(1)", "plus,equals_sign", "Wider", "Allow more bits to differ.", footer=True, shown="+"),
    KeyAction(S, "radius(-1)", "minus", "Narrower", "Allow fewer bits to differ.", footer=True, shown="-"),
    KeyAction(S, "view", "o", "Open", "Open the photo in the desktop's viewer.", footer=True),
    KeyAction(S, "folder", "O", "Folder", "Open the photo's folder.", shown="O"),
    KeyAction(A, "apply", "x", "Carry out", "Check every file again, and move what goes to the trash; asks first.", footer=True),
    KeyAction(A, "cancel", "escape", "Stop", "Stop after the file at hand.", footer=True, shown="Esc"),
    KeyAction(A, "write", "w", "Write plan", "Write the plan to a file, to be edited and given to `vtsfind apply`.", footer=True),
    KeyAction(A, "reload", "r", "Refresh", "Make the plan again from the review.", footer=True),
    KeyAction(R, "undo_run", "u", "Take back", "Take back the run under the cursor: its files come back; asks first.", footer=True),
    KeyAction(R, "cancel", "escape", "Stop", "Stop after the file at hand.", shown="Esc"),
    KeyAction(R, "reload", "r", "Refresh", "Read the journal again.", footer=True),
)  # fmt: skip


def bindings(part: KeyScope) -> list[BindingType]:
    """The bindings of a part, for its screen."""
    return [
        Binding(
            action.keys,
            action.name,
            action.label,
            show=action.footer,
            key_display=action.shown.partition(",")[0] or None,
            priority=action.priority,
        )
        for action in ACTIONS
        if action.part is part
    ]


def rows(part: KeyScope) -> Iterator[tuple[str, str]]:
    """For each thing to do in a part: its keys and what it does, digits together."""
    digits = False
    for action in ACTIONS:
        if action.part is not part:
            continue
        if action.name.startswith("choose("):
            if not digits:
                yield "1 ... 9", action.help
            digits = True
            continue
        yield shown(action), action.help


def shown(action: KeyAction) -> str:
    """The keys of an action, for people."""
    return action.shown or ", ".join(_KEY_LABELS.get(key, key) for key in action.keys.split(","))


_KEY_LABELS = {
    "space": "Space",
    "enter": "Enter",
    "escape": "Esc",
    "backspace": "Backspace",
    "left": "\u2190",
    "right": "\u2192",
    "up": "\u2191",
    "down": "\u2193",
    "ctrl+c": "Ctrl-C",
    **{f"f{number}": f"F{number}" for number in range(1, 13)},
}

_PAGE_HEADER = """# Keys of `vtsfind browse`

This page is made from the program by `python -m vtsfind.cli.keys_page > docs/keys.md`; a test fails if it is out of date.
`?` shows the keys of the part in front, `Ctrl-P` finds any command by its name. Lists also take the arrow keys, `PgUp`,
`PgDn`, `Home`, `End` and the mouse: a click chooses, a second click opens.
"""


def page() -> str:
    """The page of keys in the documentation."""
    parts = [_PAGE_HEADER]
    for part in KeyScope:
        lines = "".join(f"| {_code(keys)} | {meaning} |\n" for keys, meaning in rows(part))
        parts.append(f"## {part.value}\n\n| Key | What it does |\n| --- | --- |\n{lines}")
    return "\n".join(parts)


def _code(keys: str) -> str:
    return ", ".join(f"`{key}`" for key in keys.split(", "))
