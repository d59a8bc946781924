"""A web server on this machine that serves one file, as badly as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any


@dataclass(slots=True)
class Site:
    """What is served, how, and what was asked for."""

    content: bytes
    ranges: bool = True
    """Whether a part is given to who asks for one."""
    lengths: bool = True
    """Whether the length is told."""
    breaks: list[int] = field(default_factory=list)
    """For each of the first answers, the bytes after which the connection ends."""
    codes: list[int] = field(default_factory=list)
    """For each of the first answers, another code than the right one, or 0."""
    shift: int = 0
    """How far parts lie from where they were asked for."""
    redirect: str = ""
    """Where `/moved` leads to."""
    asked: list[str] = field(default_factory=list)
    """The wanted range of every request; empty for the whole."""
    port: int = 0

    @property
    def url(self) -> str:
        """The file's address."""
        return f"http://127.0.0.1:{self.port}/data/file.bin"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        if self.path == "/moved":
            self._answer(302, {"Location": site.redirect or site.url})
            return
        wanted = self.headers.get("Range", "")
        site.asked.append(wanted)
        code = site.codes.pop(0) if site.codes else 0
        if code:
            self._answer(code, {})
            return
        body, headers = site.content, {}
        if site.ranges and wanted:
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) + site.shift
            if start >= len(body):
                self._answer(416, {})
                return
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body = body[start:]
        self._answer(206 if headers else 200, headers, body)

    def _answer(self, code: int, headers: dict[str, str], body: bytes = b"") -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        if site.lengths:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        limit = site.breaks.pop(0) if body and site.breaks else len(body)
        self.wfile.write(body[:limit])
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False  # so that closing waits for them

    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve while the block runs."""
    with _Server(site) as server:
        site.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join(10)
            assert not thread.is_alive()
