"""Getting a published file: resumed where it broke off, and checked before it takes its name.

What has come is kept in ``NAME.part`` beside the wanted file until it is whole and its checksums are right, so that the
name never stands for anything else.
"""

import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import vtsfind
from vtsfind.base.errors import DiskFull, DownloadFailed
from vtsfind.base.progress import CancelToken, Phase, Progress, SilentProgress
from vtsfind.store.errors import system_error
from vtsfind.store.partial_file import PartialFile, exclusive_lock

_CHUNK_BYTES = 1 << 16
_MAX_PAUSE_S = 30.0
_TRANSIENT_STATUS = {408, 425, 429}
"""HTTP codes besides those from 500 on that may be other ones a moment later."""
_KEPT = "What was downloaded is kept; the same command continues."


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that somebody publishes."""

    url: str
    size: int
    """Bytes."""
    md5: str = ""
    """In hex, small letters; empty if unknown."""
    sha256: str = ""
    """In hex, small letters; empty if unknown."""

    @property
    def name(self) -> str:
        """The file's name: the end of the address."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a download waits for a server."""

    timeout_s: float = 30.0
    """Seconds without a byte after which a connection is given up."""
    max_attempts: int = 5
    """Connections in a row that may bring nothing new."""
    pause_s: float = 1.0
    """Seconds before the second try; doubled for each one after."""


def download(
    remote: RemoteFile,
    path: Path,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    retry: RetryPolicy | None = None,
) -> None:
    """Make `path` a copy of a published file, unless it is one already; go on with what an earlier run left.

    Parameters
    ----------
    remote
        What to get, with its size and checksums.
    path
        The file to make; its folder is made, too. A process that is at the same file already is waited for.
    progress
        Told of every kilobyte (1,000 bytes).
    cancel
        Asked between pieces; what has come is kept.
    retry
        With the server.

    Raises
    ------
    DownloadFailed
        When the server cannot be reached or breaks off for good (what has come is kept), or serves something else (which
        is thrown away); and when `path` is there but is something else (which is left as it is).
    DiskFull
        When there is no room, or the place cannot be written; what has come is kept.
    Cancelled
        When asked to stop.
    """
    cancel = cancel or CancelToken()
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(path, cancel):
            if path.is_file():
                verify(path, remote)
                return
            transfer = _Transfer(
                remote, PartialFile(path), progress or SilentProgress(), cancel, retry or RetryPolicy()
            )
            transfer.run()


def verify(path: Path, remote: RemoteFile) -> None:
    """Make sure that a file is a whole copy of a published one.

    Raises
    ------
    DownloadFailed
        When it is not; names what differs.
    OSError
        When it cannot be read.
    """
    difference = _difference(path, remote)
    if difference:
        raise DownloadFailed(
            f"{path} is not the file {remote.url}: {difference}.", "Remove it and run the command again."
        )


def _difference(path: Path, remote: RemoteFile) -> str:
    """What tells a file from the published one, in words; empty when nothing does."""
    size = path.stat().st_size
    if size != remote.size:
        return f"it has {size:,} bytes, not {remote.size:,}"
    sums = {"MD5": hashlib.md5(usedforsecurity=False), "SHA-256": hashlib.sha256()}
    wanted = {"MD5": remote.md5, "SHA-256": remote.sha256}
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            for name, checksum in sums.items():
                if wanted[name]:
                    checksum.update(chunk)
    for name, checksum in sums.items():
        if wanted[name] and checksum.hexdigest() != wanted[name]:
            return f"its {name} is {checksum.hexdigest()}, not {wanted[name]}"
    return ""


class _TransientError(Exception):
    """A connection that may go better the next time."""


class _Transfer:
    """One download while it goes on."""

    def __init__(
        self,
        remote: RemoteFile,
        partial: PartialFile,
        progress: Progress,
        cancel: CancelToken,
        retry: RetryPolicy,
    ) -> None:
        self.remote, self.partial, self.cancel, self.retry = remote, partial, cancel, retry
        self.meter = _ProgressMeter(progress, remote)
        self.use_range = True
        self.manual_hint = f"or get {remote.url} by other means and put it at {partial.path}."

    def run(self) -> None:
        """Get the file, check it, and give it its name."""
        if self.partial.size > self.remote.size:
            self.partial.discard()
        # What an earlier run left may be of another version of the file: then it is worth a second go from nothing.
        resumed = self.partial.size > 0
        self.fill()
        difference = _difference(self.partial.part, self.remote)
        if difference and resumed:
            self.partial.discard()
            self.fill()
            difference = _difference(self.partial.part, self.remote)
        if difference:
            self.partial.discard()
            raise DownloadFailed(
                f"What came from {self.remote.url} is not the file wanted: {difference}. It was thrown away.",
                f"Try again later, {self.manual_hint}",
            )
        self.partial.complete()

    def fill(self) -> None:
        """Connect until all bytes are there, or nothing new came several times in a row."""
        self._check_disk_space()
        self.meter.at(self.partial.size)
        max_size, failed_attempts = self.partial.size, 0
        while self.partial.size < self.remote.size:
            self.cancel.check()
            try:
                self._connect()
            except _TransientError as broken:
                failed_attempts = 0 if self.partial.size > max_size else failed_attempts + 1
                max_size = max(max_size, self.partial.size)
                if failed_attempts >= self.retry.max_attempts:
                    raise self._failure(str(broken)) from broken
                self._pause(failed_attempts)

    def _check_disk_space(self) -> None:
        missing = self.remote.size - self.partial.size
        free = shutil.disk_usage(self.partial.path.parent).free
        if missing > free:
            raise DiskFull(
                f"{self.partial.path.parent} has room for {free:,} bytes; {self.partial.path.name} needs {missing:,}.",
                "Make room, or choose another place with --data.",
            )

    def _failure(self, words: str) -> DownloadFailed:
        size = self.partial.size
        if not size:
            return DownloadFailed(
                f"{self.remote.url} cannot be downloaded: {words}.",
                f"Look at the network and its proxy settings and try again, {self.manual_hint}",
            )
        return DownloadFailed(
            f"The download of {self.remote.url} broke off after {size:,} of {self.remote.size:,} bytes: {words}.",
            f"What came is kept; run the same command again to go on, {self.manual_hint}",
        )

    def _pause(self, failed_attempts: int) -> None:
        left = min(self.retry.pause_s * 2 ** max(0, failed_attempts - 1), _MAX_PAUSE_S)
        while left > 0:
            self.cancel.check()
            time.sleep(min(left, 0.1))
            left -= 0.1

    def _connect(self) -> None:
        """Ask once for what is missing and write what comes."""
        start = self.partial.size
        headers = {"User-Agent": f"vtsfind/{vtsfind.__version__}", "Accept-Encoding": "identity"}
        if start and self.use_range:
            headers["Range"] = f"bytes={start}-"
        with self._open_response(headers) as response:
            resumes = response.status == http.HTTPStatus.PARTIAL_CONTENT
            if resumes and not _starts_at(response, start):
                self.use_range = False
                raise _TransientError("the server sent another part than asked for")
            self._check_length(response, start if resumes else 0)
            with self.partial.open(fresh=not resumes) as file:
                self._copy(response, file, start if resumes else 0)

    def _open_response(self, headers: dict[str, str]) -> http.client.HTTPResponse:
        request = urllib.request.Request(self.remote.url, headers=headers)  # noqa: S310 - the opener knows only HTTP
        try:
            response = _opener().open(request, timeout=self.retry.timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                self.use_range = False
            elif error.code < 500 and error.code not in _TRANSIENT_STATUS:
                raise DownloadFailed(
                    f"{self.remote.url} cannot be downloaded: the server says {error.code} {error.reason}.",
                    f"Try again later, {self.manual_hint}",
                ) from error
            raise _TransientError(f"the server says {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            raise _TransientError(_error_text(error)) from error
        assert isinstance(response, http.client.HTTPResponse)
        return response

    def _check_length(self, response: http.client.HTTPResponse, start: int) -> None:
        """Refuse at once what has another length: a changed file, or the log-in page of a network."""
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and start + int(length) != self.remote.size:
            raise DownloadFailed(
                f"{self.remote.url} has {start + int(length):,} bytes now, not {self.remote.size:,}: it is not the "
                "file wanted, or this network answers in the server's place.",
                f"Try again later, {self.manual_hint}",
            )

    def _copy(self, response: http.client.HTTPResponse, file: BinaryIO, size: int) -> None:
        while size < self.remote.size:
            self.cancel.check()
            try:
                chunk = response.read1(min(_CHUNK_BYTES, self.remote.size - size))
            except (OSError, http.client.HTTPException) as error:
                raise _TransientError(_error_text(error)) from error
            if not chunk:
                raise _TransientError("the server ended the connection")
            file.write(chunk)
            size += len(chunk)
            self.meter.at(size)


class _ProgressMeter:
    """Turns a position in a file into progress, in kilobytes; a transfer that begins anew begins the phase anew."""

    def __init__(self, progress: Progress, remote: RemoteFile) -> None:
        self._progress, self._remote, self._shown = progress, remote, -1

    def at(self, size: int) -> None:
        """Say that so many bytes are there."""
        kilobytes = size // 1000
        if not 0 <= self._shown <= kilobytes:
            self._progress.start(Phase.DOWNLOAD, self._remote.size // 1000)
            self._shown = 0
        if kilobytes > self._shown or not kilobytes:
            self._progress.advance(kilobytes - self._shown, f"kB of {self._remote.name}")
            self._shown = kilobytes


def _opener() -> urllib.request.OpenerDirector:
    """An opener for HTTP and HTTPS alone, with the proxies of the environment: no redirect can lead to a local file."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _starts_at(response: http.client.HTTPResponse, start: int) -> bool:
    return response.headers.get("Content-Range", "").replace("=", " ").startswith(f"bytes {start}-")


def _error_text(error: BaseException) -> str:
    """What a network error says, without the wrapping."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "the server did not answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn errors of the system into vtsfind's own."""
    try:
        yield
    except OSError as error:
        raise system_error(error, path, option="--data", kept=_KEPT) from error
