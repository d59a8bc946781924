r"""A plan as text, for people who edit it.

Format, version 1
-----------------
UTF-8. Blank lines and lines that begin with ``#`` are ignored. ::

    vtsfind plan 1
    made 2026-05-04T10:00:00+02:00 by vtsfind 0.1.0
    library /home/ann/.local/share/vtsfind/libraries/default
    command vtsfind plan
    to /home/ann/aside

    group 1
    keep        /photos/beach.jpg  # 4032x3024 is more than 2048x1536
    trash       /photos/old/beach.jpg  # bytes; the kept one has the shorter path

    files 2: the state when the plan was made; do not edit these lines
    1 2431556 - 6f1e... /photos/beach.jpg
    1 2431556 bytes 6f1e... /photos/old/beach.jpg
    end 0a1b2c3d

The line ``to`` is there only if the plan moves files. A line ``host NAME`` below ``library`` names the machine whose files the plan is
about, if several share the library. A line ``group N`` is followed by one line for each of its photos: an
action, the path, and the reason after two blanks and ``#``. A photo without a line, or with the word ``leave``, is left
alone. ``remove-all N`` below ``group N`` allows that no photo of the group is kept.

A path with unusual characters (control characters, a quotation mark at the beginning, a ``#``, leading, trailing or repeated
blanks, bytes that are not UTF-8) is written in quotation marks, with the escapes ``\"``, ``\\`` and, for any other byte,
``\x`` and two hexadecimal digits.

``files`` is followed by a line for each photo of each group: the group, the size in bytes, the verdict against the group's
first photo (``-`` for that one), the SHA-256, the path. A line of ``with``, a size, a SHA-256 and a path is a sidecar of the
photo above it; the path in a line of ``to`` below it is where it moves, beside the kept photo. ``end`` gives the CRC-32 of these lines in hexadecimal; a plan with another checksum is refused.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NoReturn

from vtsfind.act.plan import Plan, PlannedFile, PlannedGroup, Sidecar
from vtsfind.act.plan_rules import require_valid
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Verdict
from vtsfind.base.operations import Action

VERSION = 1
MAGIC = "vtsfind plan"
LEAVE = "leave"

_HELP = """\
# The first word of a line is the action: keep, trash, quarantine, move, hardlink, reflink, symlink or delete.
# Change the word, or delete the line to leave the photo alone. `vtsfind apply FILE` checks every photo before it changes
# anything; `vtsfind apply --dry-run FILE` only shows what would be done. `vtsfind undo` restores photos.
# What you change here holds for this plan alone; `vtsfind decisions add keep-both` and `vtsfind browse` remember.
"""
_ESCAPE = re.compile(r'\\(?:(["\\])|x([0-9a-f]{2}))')
_ACTION_WIDTH = max(len(action) for action in Action) + 1


def quote_path(path: bytes) -> str:
    r"""Write a path as one printable line that can be read back as the same bytes.

    >>> print(quote_path(b"/a b.jpg"), quote_path(b"/two  blanks#"), quote_path(b"/line\n\xff"))
    /a b.jpg "/two  blanks#" "/line\x0a\xff"
    """
    text = path.decode("utf-8", "surrogateescape")
    plain = text.isprintable() and "#" not in text and "  " not in text and text.strip() == text
    if plain and text and not text.startswith('"'):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def unquote_path(text: str) -> bytes:
    r"""The inverse of `quote_path`.

    >>> unquote_path(r'"/line\x0a\xff"')
    b'/line\n\xff'

    Raises
    ------
    ValueError
        If quotation marks or escapes are invalid.
    """
    if not text.startswith('"'):
        return text.encode()
    inner = text[1:-1]
    if len(text) < 2 or text[-1] != '"' or re.search(r'["\\]', _ESCAPE.sub("", inner)):
        raise ValueError("the quotation marks or backslashes do not match")
    parts, end = [], 0
    for match in _ESCAPE.finditer(inner):
        parts += [inner[end : match.start()].encode(), _unescaped(match)]
        end = match.end()
    return b"".join([*parts, inner[end:].encode()])


def _unescaped(match: re.Match[str]) -> bytes:
    return match[1].encode() if match[1] else bytes([int(match[2], 16)])


def plan_text(plan: Plan) -> str:
    """Write a plan as text."""
    return "".join(f"{line}\n" for line in _plan_lines(plan))


def _plan_lines(plan: Plan) -> Iterator[str]:
    yield f"{MAGIC} {VERSION}"
    yield f"made {plan.made} by vtsfind {plan.version}"
    yield f"library {quote_path(plan.library)}"
    if plan.host:
        yield f"host {quote_path(plan.host.encode())}"
    yield f"command {quote_path(plan.command.encode())}"
    if plan.target is not None:
        yield f"to {quote_path(plan.target)}"
    yield ""
    yield from _HELP.splitlines()
    for group in plan.groups:
        yield ""
        yield f"group {group.number}"
        if group.remove_all:
            yield f"remove-all {group.number}"
        for file in group.files:
            yield from _file_lines(file)
    table = [line for group in plan.groups for file in group.files for line in _table(group.number, file)]
    yield ""
    yield f"files {len(table)}: the state when the plan was made; do not edit these lines"
    yield from table
    yield f"end {_checksum(table)}"


def _file_lines(file: PlannedFile) -> Iterator[str]:
    reason = f"  # {file.reason}" if file.reason else ""
    yield f"{file.action or LEAVE:{_ACTION_WIDTH}} {quote_path(file.path)}{reason}"
    for sidecar in file.sidecars:
        moves = f", which moves to {quote_path(sidecar.target)}" if sidecar.target else ""
        yield f"# {'':{_ACTION_WIDTH}}with {quote_path(sidecar.path)}{moves}"


def _table(group: int, file: PlannedFile) -> Iterator[str]:
    verdict = file.verdict or "-"
    yield f"{group} {file.size} {verdict} {file.digest.hex()} {quote_path(file.path)}"
    for sidecar in file.sidecars:
        yield f"with {sidecar.size} {sidecar.digest.hex()} {quote_path(sidecar.path)}"
        if sidecar.target:
            yield f"to {quote_path(sidecar.target)}"


def _checksum(table: Iterable[str]) -> str:
    return f"{zlib.crc32(chr(10).join(table).encode()):08x}"


def read_plan_text(content: bytes, where: str = "The plan") -> Plan:
    """Read a plan that may have been edited.

    Parameters
    ----------
    content
        The text.
    where
        Its name in error messages.

    Raises
    ------
    UsageError
        If a line is invalid; the message names it.
    PlanRefused
        If the plan breaks the rules.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{where}, line {line}, is not UTF-8.", "Save the plan as UTF-8.") from error
    plan = _Reader(where).read(text.split("\n"))
    require_valid(plan, where)
    return plan


@dataclass(slots=True)
class _GroupActions:
    """The lines below one line `group N`."""

    line: int
    actions: dict[bytes, tuple[int, Action | None, str]] = field(default_factory=dict)
    """Path to line number, action and reason."""
    remove_all: bool = False


class _Reader:
    """Parses one plan, line by line."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._number = 0
        self._head: dict[str, str] = {}
        self._groups: dict[int, _GroupActions] = {}
        self._group = 0

    def _refuse(self, message: str, number: int | None = None) -> NoReturn:
        raise UsageError(
            f"{self._where}, line {number or self._number}: {message}.",
            "Nothing was changed. Correct the line, or make the plan again.",
        )

    def read(self, lines: list[str]) -> Plan:
        """Parse all lines."""
        table: list[str] | None = None
        ended = False
        for self._number, raw in enumerate(lines, 1):
            line = raw.strip(" \t\r")
            if not line or line.startswith("#"):
                continue
            if self._number == 1 or not self._head:
                self._read_first(line)
            elif ended:
                self._refuse("there is a line after 'end'")
            elif table is None:
                if line.startswith("files "):
                    table = []
                else:
                    self._read_line(line)
            elif line.startswith("end "):
                if line != f"end {_checksum(table)}":
                    self._refuse("the lines below 'files' were edited")
                ended = True
            else:
                table.append(line)
        if not ended or table is None:
            self._refuse("the plan is incomplete: its line 'end' is missing")
        return self._assemble(table)

    def _read_first(self, line: str) -> None:
        version = line.removeprefix(MAGIC).strip()
        if not line.startswith(MAGIC) or not version.isdigit():
            self._refuse(f"a plan must begin with '{MAGIC} {VERSION}'")
        if int(version) > VERSION:
            raise UsageError(f"{self._where} was written by a newer vtsfind.", "Update vtsfind.")
        self._head["version"] = version

    def _read_line(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if word in {"made", "library", "host", "command", "to"} and not self._groups:
            if word in self._head:
                self._refuse(f"'{word}' is given twice")
            self._head[word] = rest
        elif word in {"group", "remove-all"}:
            self._read_group(word, rest)
        elif word in {*Action, LEAVE} and self._groups:
            self._read_file(None if word == LEAVE else Action(word), rest)
        else:
            self._refuse(f"'{word}' is not an action ({', '.join(Action)})")

    def _read_group(self, word: str, rest: str) -> None:
        number = int(rest) if rest.isdecimal() and rest.isascii() else 0
        if word == "group":
            if not number or number in self._groups:
                self._refuse(f"'{rest}' is not the number of a new group")
            self._groups[number] = _GroupActions(self._number)
            self._group = number
        elif not self._groups or number != self._group:
            self._refuse("'remove-all' must name the group above it")
        else:
            self._groups[number].remove_all = True

    def _read_file(self, action: Action | None, rest: str) -> None:
        name, reason = self._split_path_and_reason(rest)
        path = self._path(name)
        assigned = self._groups[self._group].actions
        if path in assigned:
            self._refuse(f"{name} is listed twice")
        assigned[path] = (self._number, action, reason)

    def _split_path_and_reason(self, rest: str) -> tuple[str, str]:
        """The path as it is written, and the reason after it."""
        if rest.startswith('"'):
            match = re.match(r'"(?:[^"\\]|\\.)*"', rest)
            if match is None:
                self._refuse("the quotation marks do not match")
            name, reason = match[0], rest[match.end() :].strip()
        else:
            name, mark, reason = rest.partition("#")
            name, reason = name.strip(), (mark + reason).strip()
        if reason and not reason.startswith("#"):
            self._refuse("there is text after the path; a reason must begin with '#'")
        return name, reason.removeprefix("#").strip()

    def _path(self, name: str) -> bytes:
        try:
            return unquote_path(name)
        except ValueError as error:
            self._refuse(str(error))

    def _assemble(self, table: list[str]) -> Plan:
        """Combine the actions, which people may edit, with the table of files, which they may not."""
        files: dict[int, list[PlannedFile]] = {}
        listed: list[PlannedFile] = []
        try:
            for row in table:
                kind, _, rest = row.partition(" ")
                if kind == "with":
                    size, digest, name = rest.split(" ", 2)
                    sidecar = Sidecar(unquote_path(name), int(size), bytes.fromhex(digest))
                    listed[-1] = replace(listed[-1], sidecars=(*listed[-1].sidecars, sidecar))
                elif kind == "to":
                    *others, last = listed[-1].sidecars
                    moved = replace(last, target=unquote_path(rest))
                    listed[-1] = replace(listed[-1], sidecars=(*others, moved))
                else:
                    size, verdict, digest, name = rest.split(" ", 3)
                    listed = files.setdefault(int(kind), [])
                    listed.append(self._file(int(kind), unquote_path(name), int(size), verdict, digest))
        except (ValueError, IndexError):
            self._refuse("the lines below 'files' are invalid")
        self._check_listed(files)
        return self._plan(files)

    def _file(self, number: int, path: bytes, size: int, verdict: str, digest: str) -> PlannedFile:
        assigned = self._groups.get(number)
        _, action, reason = assigned.actions.get(path, (0, None, "")) if assigned else (0, None, "")
        against = None if verdict == "-" else Verdict(verdict)
        return PlannedFile(path, size, bytes.fromhex(digest), against, action, reason)

    def _check_listed(self, files: dict[int, list[PlannedFile]]) -> None:
        for number, assigned in self._groups.items():
            listed = {file.path for file in files.get(number, [])}
            for path, (line, _, _) in assigned.actions.items():
                if path not in listed:
                    self._refuse(f"{quote_path(path)} is not a photo of group {number}", line)
            if number not in files:
                self._refuse(f"there is no group {number}", assigned.line)

    def _plan(self, files: dict[int, list[PlannedFile]]) -> Plan:
        made, _, version = self._head.get("made", "").partition(" by vtsfind ")
        groups = tuple(
            PlannedGroup(number, tuple(listed), number in self._groups and self._groups[number].remove_all)
            for number, listed in files.items()
        )
        target = self._path(self._head["to"]) if "to" in self._head else None
        command = self._path(self._head.get("command", '""')).decode("utf-8", "replace")
        library, host = (self._path(self._head.get(word, '""')) for word in ("library", "host"))
        return Plan(groups, made, command, version, library, target, host.decode("utf-8", "replace"))
