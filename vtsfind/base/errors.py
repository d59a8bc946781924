"""Errors that are shown to people, each with an exit code and a remedy.

::

    VtsfindError                       1..4, see `exit_code`
    ├── UsageError              2      a wrong argument, option, setting or name
    ├── ClusterLost             4      the machines that did the work are gone
    └── StorageError            4      files that vtsfind keeps cannot be used
        ├── LibraryMissing      2      there is no such library (wrong use, not damage)
        ├── LibraryLocked       4      another vtsfind is writing
        ├── LibraryDamaged      4      a checksum, the structure or SQLite reports damage
        ├── LibraryTooNew       4      made by a newer version
        ├── ModelMismatch       2      the library holds codes of another model
        ├── ModelDamaged        4      a weight file does not match the registry
        ├── DownloadFailed      4      a published file could not be downloaded intact
        └── DiskFull            4      no space, or no permission to write

What goes wrong with one file of many is not an exception but a value, `vtsfind.base.records.Failure`, which is returned
with the results and leads to exit code 3. Only `vtsfind.cli` turns these errors into messages.
"""


class VtsfindError(Exception):
    """An error for people: what happened, and what to do about it.

    Parameters
    ----------
    message
        One sentence that says what happened and names the file.
    remedy
        One sentence that says what to do and names the command or option; empty if there is nothing to do.
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


class ClusterLost(VtsfindError):
    """The machines that did the work are gone."""

    exit_code = 4


class StorageError(VtsfindError):
    """Files that vtsfind keeps cannot be used."""

    exit_code = 4


class LibraryMissing(StorageError):
    """There is no library of that name or at that path."""

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
    """The files of the library do not match their checksums or their structure."""


class LibraryTooNew(StorageError):
    """The library was made by a newer version of vtsfind."""


class ModelMismatch(StorageError):
    """The library holds codes of another model."""

    exit_code = 2


class ModelDamaged(StorageError):
    """A weight file does not have the content that the registry names."""


class DownloadFailed(StorageError):
    """A published file could not be downloaded, or is not what was published."""


class DiskFull(StorageError):
    """There is no space, or no permission, to write the files that vtsfind keeps."""
