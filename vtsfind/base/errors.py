"""The errors that vtsfind shows to people, each with its exit code and its remedy.

::

    VtsfindError                       1..4, see `exit_code`
    ├── UsageError              2      a wrong argument, option, setting or name
    └── StorageError            4      something that vtsfind keeps on disk cannot be used
        ├── LibraryMissing      2      no library there yet (a wrong call, not damage)
        ├── LibraryLocked       4      another vtsfind is writing
        ├── LibraryDamaged      4      checksums, structure or SQLite say no
        ├── LibraryTooNew       4      made by a newer vtsfind
        ├── ModelMismatch       2      codes of another model
        ├── ModelDamaged        4      a weight file is not what the registry says
        ├── DownloadFailed      4      a published file could not be got whole
        └── DiskFull            4      no space, or a read-only place

What goes wrong with one file of many is no exception: it is a value, `vtsfind.base.records.Failure`, that
travels beside the results and turns the exit code to 3. Only `vtsfind.cli` catches these errors.
"""


class VtsfindError(Exception):
    """An error for the user's eyes: what happened (naming the file), and what to do about it.

    Parameters
    ----------
    message
        One sentence that says what happened and to which file.
    remedy
        One sentence that says what to do, naming the command or flag; empty when there is nothing to do.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(VtsfindError):
    """A wrong argument, option, setting or name."""

    exit_code = 2


def package_missing(purpose: str, package: str) -> UsageError:
    """The error for an optional package that is not installed.

    >>> str(package_missing("Drawing curves", "matplotlib"))
    'Drawing curves needs the package matplotlib. Install it: python3 -m pip install matplotlib'
    """
    return UsageError(
        f"{purpose} needs the package {package}.", f"Install it: python3 -m pip install {package}"
    )


class StorageError(VtsfindError):
    """Something that vtsfind keeps on disk cannot be used."""

    exit_code = 4


class LibraryMissing(StorageError):
    """There is no library at that name or path."""

    exit_code = 2


class LibraryLocked(StorageError):
    """Another process is writing to the library.

    Parameters
    ----------
    message, remedy
        See `VtsfindError`.
    owner
        The process that holds the lock, in words.
    """

    def __init__(self, message: str, remedy: str = "", *, owner: str = "another process") -> None:
        super().__init__(message, remedy)
        self.owner = owner


class LibraryDamaged(StorageError):
    """The library's files contradict their checksums or structure."""


class LibraryTooNew(StorageError):
    """The library was made by a newer vtsfind."""


class ModelMismatch(StorageError):
    """The library holds codes of another model."""

    exit_code = 2


class ModelDamaged(StorageError):
    """A weight file does not have the content that the registry promises."""


class DownloadFailed(StorageError):
    """A published file could not be got, or is not what was published."""


class DiskFull(StorageError):
    """There is no room, or no permission, to write where vtsfind keeps its data."""
