"""What a field, a record and a stream of records are, and the fields that several commands write."""

from dataclasses import dataclass

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record."""

    name: str
    meaning: str
    optional: bool = False
    """Whether the field is left out where it does not apply."""
    path: bool = False
    """Whether it is a path, which `vtsfind.base.paths.path_fields` writes as one or two fields."""
    fields: tuple["Field", ...] = ()
    """The fields of the object, or of the objects of the list, that is the value."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The records that one command writes: a header, any number of records of some types, and a footer."""

    command: str
    """The `command` of the header."""
    header: tuple[Field, ...] = ()
    """Further fields of the header."""
    records: tuple[tuple[str, tuple[Field, ...]], ...] = ()
    """Type to fields, in the order in which they are written."""
    footer: tuple[Field, ...] = ()
    usage: str = ""
    """The options that make the command write this stream and no other; empty for none."""


HEADER = (
    Field("schema", f"The version of this schema, {SCHEMA}."),
    Field("command", "The command that wrote the records."),
    Field("vtsfind", "The version of vtsfind."),
)
"""What every header has."""

LIBRARY = Field("library", "The folder or address of the library.", path=True)
PATH = Field("path", "The file.", path=True)
SIZE = Field("size", "Its size in bytes.")
SHA256 = Field("sha256", "SHA-256 of its content, in hexadecimal.")
FAILURE = (
    "failure",
    (PATH, Field("reason", "Why the file could not be used."), Field("detail", "What the system said.")),
)
FAILED = Field("failed", "Number of files that could not be used.")
INTERRUPTED = Field("interrupted", "Whether the command was stopped before its end.")
NOTE = Field("note", "Why, in words; may be empty.")
