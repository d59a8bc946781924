"""Web pages that commands write."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vtsfind.cli.command import CommandRun
from vtsfind.engine.library.outputs import write_output
from vtsfind.engine.previews.decode import Preview, Previews
from vtsfind.report.pages.page import PAGE_FILE

if TYPE_CHECKING:
    from vtsfind.report.pages.page import Thumbnail


def write_page(run: CommandRun, path: Path, make: "Callable[[Thumbnail], bytes]", *, force: bool) -> None:
    """Make a page, save it, and say where it is.

    Parameters
    ----------
    run
        Of the command.
    path
        Where the page goes.
    make
        Makes the page, with what makes its pictures.
    force
        See `vtsfind.engine.library.outputs.write_output`.

    Raises
    ------
    UsageError, DiskFull
        See `vtsfind.engine.library.outputs.write_output`.
    """
    with Previews(run.settings) as previews:

        def thumbnail(photo: bytes) -> bytes | None:
            run.cancel.check()
            preview = previews.preview(photo)
            return preview.jpeg if isinstance(preview, Preview) else None

        content = make(thumbnail)
    write_output(path, content, PAGE_FILE, run.settings, force=force)
    run.notes.say(f"Wrote the page {path}. Open it in a browser.")
