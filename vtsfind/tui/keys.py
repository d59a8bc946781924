"""The one table of keys. Bindings, the footer, the help, the command palette and docs/keys.md are made from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding, BindingType


class KeyScope(StrEnum):
    """A screen with its own keys; the value is its heading."""

    EVERYWHERE = "Everywhere"
    WELCOME = "Welcome"
    HOME = "Home"
    GROUPS = "Groups"
    COMPARE = "Compare"
    SEARCH = "Search"
    APPLY = "Apply"
    HISTORY = "History"


@dataclass(frozen=True, slots=True)
class KeyAction:
    """An action that the user can take."""

    scope: KeyScope
    name: str
    """The method `action_NAME` of the screen, or of the application; arguments in brackets."""
    keys: str
    """Textual's names of the keys, separated by commas."""
    label: str
    """One or two words for the footer."""
    help: str
    """One sentence for the help."""
    footer: bool = False
    """Whether the footer shows it."""
    priority: bool = False
    """Whether it also works while the user types text."""
    shown: str = ""
    """The names of the keys for people, where they differ from Textual's."""


E, W, H, G, C, S, A, R = KeyScope
ACTIONS = (
    KeyAction(E, "help", "question_mark,f1", "Help", "Show the keys of this screen.", footer=True, shown="?, F1"),
    KeyAction(E, "quit", "q", "Quit", "Quit. Every decision is saved already.", footer=True),
    KeyAction(E, "interrupt", "ctrl+c", "Stop", "Stop what is running; quit if nothing is.", priority=True),
    KeyAction(E, "command_palette", "ctrl+p", "Commands", "Find a command by name; choose a theme.", shown="Ctrl-P"),
    KeyAction(E, "go('home')", "f2", "Home", "Show libraries and index folders."),
    KeyAction(E, "go('groups')", "f3", "Groups", "Review groups of duplicates."),
    KeyAction(E, "go('search')", "f4", "Search", "Search for similar photos."),
    KeyAction(E, "go('apply')", "f5", "Apply", "Show the plan and apply it."),
    KeyAction(E, "go('history')", "f6", "History", "Show what was done to files, and undo it."),
    KeyAction(E, "turn(-1)", "left_square_bracket", "Previous screen", "Show the screen to the left.", shown="["),
    KeyAction(E, "turn(1)", "right_square_bracket", "Next screen", "Show the screen to the right.", shown="]"),
    KeyAction(W, "start", "enter", "Start", "Index the selected folders, then find duplicates.", footer=True),
    KeyAction(W, "select", "space", "Select", "Select or deselect a folder.", footer=True),
    KeyAction(W, "add", "n,slash", "Add folder", "Type the path of another folder.", footer=True, shown="n, /"),
    KeyAction(W, "cancel", "escape", "Stop", "Stop. Photos read so far are kept.", footer=True, shown="Esc"),
    KeyAction(H, "index", "i", "Index", "Index new and changed photos, in the background.", footer=True),
    KeyAction(H, "add", "n", "Add folder", "Index another folder, into this library or a new one.", footer=True),
    KeyAction(H, "cancel", "escape", "Stop", "Stop indexing. Photos read so far are kept.", footer=True, shown="Esc"),
    KeyAction(H, "open", "enter", "Open", "Open the selected library.", footer=True),
    KeyAction(H, "reload", "r", "Compare again", "Find duplicates again, with what was indexed since.", footer=True),
    KeyAction(G, "accept", "a", "Accept", "Accept and go to the next undecided group.", footer=True),
    KeyAction(G, "accept_all", "A", "All", "Accept all groups of this kind, in these folders, or in the list; asks first.", footer=True, shown="A"),
    KeyAction(G, "drop", "space", "Mark", "Keep or remove this photo; \u2022 in the list: marked, not accepted yet (a).", footer=True),
    KeyAction(G, "compare", "enter", "Compare", "Compare two photos closely.", footer=True),
    KeyAction(G, "best", "b", "Keeper only", "Of a burst, keep only the best shot: the sharpest that is neither blown out nor black, among those of one size. Edits, screenshots, what you kept before, and what may be of another scene or hour or was held another way stay, and a message names them; so look at all of them first. A digit keeps another shot instead; a accepts.", footer=True),
    KeyAction(G, "undo", "u", "Undo", "Undo the last decision, then the one before it, as far as the last Apply; History (F6) brings photos back.", footer=True),
    KeyAction(G, "refuse", "n", "Not dup", "Not a duplicate; remembered. On the keeper: none of the group is.", footer=True),
    KeyAction(G, "next_view", "v", "View", "Show copies, bursts (other shots of one scene), or both.", footer=True),
    KeyAction(G, "filter", "slash", "Filter", "Filter groups by words in a path, `kind:edit`, `>5MB` for those that free as much, or `is:check` for those in doubt.", footer=True, shown="/"),
    *(
        KeyAction(G, f"choose({digit})", str(digit), f"Keeper {digit}", "Keep that photo instead. Others that have something which it lacks stay, too.")
        for digit in range(1, 10)
    ),
    KeyAction(G, "reopen", "backspace", "Reset", "Reset the group to the proposal, undecided."),
    KeyAction(G, "next_open", "full_stop", "Next", "Go to the next undecided group.", shown="."),
    KeyAction(G, "similar", "s", "Similar", "Search for photos similar to this one."),
    KeyAction(G, "sort", "t", "Sort", "Sort by size, kind, folder, date or number of photos."),
    KeyAction(G, "reverse", "T", "Reverse", "Reverse the order.", shown="T"),
    KeyAction(G, "kinds", "f", "Kinds", "Show one kind of groups, then the next."),
    KeyAction(G, "view", "o", "Open", "Open the photo in the desktop's viewer."),
    KeyAction(G, "folder", "O", "Folder", "Open the photo's folder.", shown="O"),
    KeyAction(G, "member(-1)", "left,h", "Left", "Select the photo to the left."),
    KeyAction(G, "member(1)", "right,l", "Right", "Select the photo to the right."),
    KeyAction(C, "back", "escape,backspace", "Back", "Go back to the groups.", footer=True, shown="Esc"),
    KeyAction(C, "mode('side')", "v", "Side", "Show two photos side by side; zoomed in, both show the same detail.", footer=True),
    KeyAction(C, "mode('flicker')", "f", "Flicker", "Switch between the two photos in one place.", footer=True),
    KeyAction(C, "mode('difference')", "d", "Diff", "Show where the two photos differ; brighter is more.", footer=True),
    KeyAction(C, "other(1)", "tab", "Next", "Compare the keeper with the next photo of the group.", footer=True, shown="Tab"),
    KeyAction(C, "accept", "a", "Accept", "Accept and go to the next undecided group.", footer=True),
    KeyAction(C, "drop", "space", "Mark", "Keep or remove the photo on the right.", footer=True),
    KeyAction(C, "box", "b", "Box", "Show or hide the part that the other photo shows.", footer=True),
    KeyAction(C, "refuse", "n", "Not dup", "The photo on the right is not a duplicate; remembered.", footer=True),
    KeyAction(C, "undo", "u", "Undo", "Undo the last decision.", footer=True),
    KeyAction(C, "details", "i", "Details", "Show or hide all facts, and the numbers behind the verdict."),
    KeyAction(C, "scroll(1)", "J", "Scroll", "Scroll the facts down.", shown="J"),
    KeyAction(C, "scroll(-1)", "K", "Scroll up", "Scroll the facts up.", shown="K"),
    KeyAction(C, "other(-1)", "shift+tab", "Previous photo", "Compare the keeper with the previous photo.", shown="Shift-Tab"),
    KeyAction(C, "zoom(1)", "plus,equals_sign", "Zoom in", "Zoom in, to the part that both photos show first.", shown="+"),
    KeyAction(C, "zoom(-1)", "minus", "Zoom out", "Zoom out.", shown="-"),
    KeyAction(C, "whole", "0", "Whole", "Show the whole photos."),
    KeyAction(C, "pan(-1,0)", "left,h", "Left", "Move left."),
    KeyAction(C, "pan(1,0)", "right,l", "Right", "Move right."),
    KeyAction(C, "pan(0,-1)", "up,k", "Up", "Move up."),
    KeyAction(C, "pan(0,1)", "down,j", "Down", "Move down."),
    *(
        KeyAction(C, f"choose({digit})", str(digit), f"Keeper {digit}", "Keep that photo instead. Others that have something which it lacks stay, too.")
        for digit in range(1, 10)
    ),
    KeyAction(C, "group(1)", "greater_than_sign,pagedown", "Next group", "Go to the next group.", shown=">, PgDn"),
    KeyAction(C, "group(-1)", "less_than_sign,pageup", "Previous group", "Go to the previous group.", shown="<, PgUp"),
    KeyAction(C, "view", "o", "Open", "Open the photo on the right in the desktop's viewer."),
    KeyAction(C, "folder", "O", "Folder", "Open the folder of the photo on the right.", shown="O"),
    KeyAction(S, "ask", "slash", "Search", "Type what photos show, the path of a photo or a folder, in:FOLDER, name:WORD, camera:canon, on:2021-05 (also 2021 or 2021-05-31), after:2021-05 (that month and later), before:2022 (up to the end of 2021); nothing lists the library.", footer=True, shown="/"),
    KeyAction(S, "similar", "s,enter", "Similar", "Search for photos similar to this one.", footer=True, shown="s, Enter"),
    KeyAction(S, "back", "backspace", "Back", "Go back to the previous search.", footer=True),
    KeyAction(S, "mark", "space", "Mark", "Mark or unmark this photo.", footer=True),
    KeyAction(S, "group", "g", "Group", "Show the group that this photo is in: there it can be marked to go.", footer=True),
    KeyAction(S, "head", "c", "Compare by", "Compare by what is shown and how it looks (likeness), by what is shown alone (scene), by the same picture (copy), or by words.", footer=True),
    KeyAction(S, "copy", "y", "Copy path", "Copy the paths of the marked photos, or of this one.", footer=True),
    KeyAction(S, "view", "o", "Open", "Open the photo in the desktop's viewer.", footer=True),
    KeyAction(S, "radius(1)", "plus,equals_sign", "Wider", "Allow more bits to differ.", footer=True, shown="+"),
    KeyAction(S, "radius(-1)", "minus", "Narrower", "Allow fewer bits to differ.", footer=True, shown="-"),
    KeyAction(S, "sort", "t", "Sort", "Sort the library by date or folder.", footer=True),
    KeyAction(S, "folder", "O", "Folder", "Open the photo's folder.", shown="O"),
    KeyAction(A, "apply", "x", "Apply", "Check every file again and move what goes to the trash; asks first.", footer=True),
    KeyAction(A, "cancel", "escape", "Stop", "Stop after the current file.", footer=True, shown="Esc"),
    KeyAction(A, "write", "w", "Write plan", "Write the plan to a file to edit and give to `vtsfind apply`.", footer=True),
    KeyAction(A, "reload", "r", "Refresh", "Make the plan again from the review.", footer=True),
    KeyAction(R, "undo_run", "u", "Undo run", "Undo the selected run: its files are restored; asks first.", footer=True),
    KeyAction(R, "undo_file", "b", "Restore file", "Restore only the selected file of the run.", footer=True),
    KeyAction(R, "files", "tab", "Files", "Go to the files of the run, and back.", footer=True, shown="Tab"),
    KeyAction(R, "cancel", "escape", "Stop", "Stop after the current file.", shown="Esc"),
    KeyAction(R, "reload", "r", "Refresh", "Read the journal again.", footer=True),
)  # fmt: skip


def bindings(scope: KeyScope) -> list[BindingType]:
    """The Textual bindings of a screen."""
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
        if action.scope is scope
    ]


def footer_actions(scope: KeyScope) -> tuple[KeyAction, ...]:
    """The actions of a screen that the footer shows, the most used first."""
    return tuple(action for action in ACTIONS if action.scope is scope and action.footer)


def rows(scope: KeyScope) -> Iterator[tuple[str, str]]:
    """For each action of a screen its keys and its help; the digits are one row."""
    digits = False
    for action in ACTIONS:
        if action.scope is not scope:
            continue
        if action.name.startswith("choose("):
            if not digits:
                yield "1 ... 9", action.help
            digits = True
            continue
        yield key_names(action), action.help


def key_names(action: KeyAction) -> str:
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

This page is generated by `python -m vtsfind.cli.keys_page > docs/keys.md`; a test fails if it is out of date.
`?` shows the keys of the current screen, `Ctrl-P` finds any command by name. Lists also take the arrow keys, `PgUp`,
`PgDn`, `Home`, `End` and the mouse: a click selects, a second click opens.
"""


def page() -> str:
    """The documentation page of keys, in Markdown."""
    parts = [_PAGE_HEADER]
    for scope in KeyScope:
        lines = "".join(f"| {_code(keys)} | {meaning} |\n" for keys, meaning in rows(scope))
        parts.append(f"## {scope.value}\n\n| Key | What it does |\n| --- | --- |\n{lines}")
    return "\n".join(parts)


def _code(keys: str) -> str:
    return ", ".join(f"`{key}`" for key in keys.split(", "))
