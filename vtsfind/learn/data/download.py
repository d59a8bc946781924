"""Downloading a published file: interrupted downloads are resumed, and checksums are verified before the file gets its name.

The downloaded part is kept in ``NAME.part`` beside the wanted file until it is complete and its checksums are right, so that
the name never stands for anything else.
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
"""HTTP status codes below 500 that are worth another attempt."""
_KEPT = "What was downloaded is kept; the same command continues."


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A published file."""

    url: str
    size: int
    """Bytes."""
    md5: str = ""
    """In lower-case hex; empty if unknown."""
    sha256: str = ""
    """In lower-case hex; empty if unknown."""

    @property
    def name(self) -> str:
        """The file's name: the last part of the URL."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to try."""

    timeout_s: float = 30.0
    """Time without a byte after which a connection is closed."""
    max_attempts: int = 5
    """Consecutive connections without a new byte."""
    pause_s: float = 1.0
    """Pause before the second attempt; doubled for each further one."""


def download(
    remote: RemoteFile,
    path: Path,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    retry: RetryPolicy | None = None,
) -> None:
    """Download a published file to `path`, unless it is there already; continue an interrupted download.

    Parameters
    ----------
    remote
        The published file, with its size and checksums.
    path
        The destination; its folder is created. If another process is downloading the same file, this waits for it.
    progress
        Updated for every kilobyte (1,000 bytes).
    cancel
        Checked between chunks; the downloaded part is kept.
    retry
        How often and how long to try.

    Raises
    ------
    DownloadFailed
        When the server cannot be reached or the connection fails for good (the downloaded part is kept), or the server sends
        a different file (which is discarded); and when `path` exists with other content (which is not changed).
    DiskFull
        When there is no space, or the folder cannot be written; the downloaded part is kept.
    Cancelled
        When it is cancelled.
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
    """Check that a file is a complete copy of a published one.

    Raises
    ------
    DownloadFailed
        When it is not; the message names the difference.
    OSError
        When it cannot be read.
    """
    difference = _difference(path, remote)
    if difference:
        raise DownloadFailed(
            f"{path} is not the file {remote.url}: {difference}.", "Remove it and run the command again."
        )


def _difference(path: Path, remote: RemoteFile) -> str:
    """The difference between a file and the published one, in words; empty if there is none."""
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
    """A connection failed; another attempt may succeed."""


class _Transfer:
    """A download in progress."""

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
        """Download the file, check it, and rename it."""
        if self.partial.size > self.remote.size:
            self.partial.discard()
        # The part of an earlier run may belong to another version of the file: then start again from nothing.
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
                f"The file from {self.remote.url} is not the published one: {difference}. It was deleted.",
                f"Try again later, {self.manual_hint}",
            )
        self.partial.complete()

    def fill(self) -> None:
        """Connect until all bytes are there, or several attempts in a row brought none."""
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
                "Free some space, or choose another place with --data.",
            )

    def _failure(self, words: str) -> DownloadFailed:
        size = self.partial.size
        if not size:
            return DownloadFailed(
                f"{self.remote.url} cannot be downloaded: {words}.",
                f"Check the network and its proxy settings and try again, {self.manual_hint}",
            )
        return DownloadFailed(
            f"The download of {self.remote.url} failed after {size:,} of {self.remote.size:,} bytes: {words}.",
            f"Run the same command again to continue, {self.manual_hint}",
        )

    def _pause(self, failed_attempts: int) -> None:
        left = min(self.retry.pause_s * 2 ** max(0, failed_attempts - 1), _MAX_PAUSE_S)
        while left > 0:
            self.cancel.check()
            time.sleep(min(left, 0.1))
            left -= 0.1

    def _connect(self) -> None:
        """Request the missing bytes once, and write what the server sends."""
        start = self.partial.size
        headers = {"User-Agent": f"vtsfind/{vtsfind.__version__}", "Accept-Encoding": "identity"}
        if start and self.use_range:
            headers["Range"] = f"bytes={start}-"
        with self._open_response(headers) as response:
            resumes = response.status == http.HTTPStatus.PARTIAL_CONTENT
            if resumes and not _starts_at(response, start):
                self.use_range = False
                raise _TransientError("the server sent another part than requested")
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
        """Refuse a response of another length: a changed file, or the log-in page of a network."""
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and start + int(length) != self.remote.size:
            raise DownloadFailed(
                f"{self.remote.url} has {start + int(length):,} bytes, not {self.remote.size:,}: the published file has "
                "changed, or this network answers in place of the server.",
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
    """Reports the position in a file as progress, in kilobytes; a transfer that starts again restarts the phase."""

    def __init__(self, progress: Progress, remote: RemoteFile) -> None:
        self._progress, self._remote, self._shown = progress, remote, -1

    def at(self, size: int) -> None:
        """Report that `size` bytes are there."""
        kilobytes = size // 1000
        if not 0 <= self._shown <= kilobytes:
            self._progress.start(Phase.DOWNLOAD, self._remote.size // 1000)
            self._shown = 0
        if kilobytes > self._shown or not kilobytes:
            self._progress.advance(kilobytes - self._shown, f"kB of {self._remote.name}")
            self._shown = kilobytes


def _opener() -> urllib.request.OpenerDirector:
    """An opener for HTTP and HTTPS only, with the proxies of the environment: a redirect cannot lead to a local file."""
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
    """The innermost message of a network error."""
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
