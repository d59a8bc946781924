"""`vtsfind dupes`: groups of duplicates."""

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running
from vtsfind.cli.duplicate_options import DuplicateOptions, require_photos
from vtsfind.cli.options import (
    OUTPUT,
    CommonOptions,
    Csv,
    Force,
    Html,
    On,
    PathOptions,
    require_choice,
    require_one_of,
)

if TYPE_CHECKING:
    from vtsfind.engine.duplicates.results import Duplicates

_ORDERS = {"size": "GAIN", "count": "MEMBERS", "path": "FOLDER", "date": "DATE"}
"""Values of --sort, and what `vtsfind.engine.review.filters.Sort` calls them."""


@dataclass(frozen=True, kw_only=True)
class ListingOptions(PathOptions):
    """How groups are printed."""

    csv: Csv = False
    html: Html = None
    force: Force = False
    sort: Annotated[
        str,
        typer.Option(
            metavar="ORDER",
            help="Order of the groups: size (most to free first), count (most photos first), path, or date (newest first).",
            rich_help_panel=OUTPUT,
        ),
    ] = "size"
    summary: Annotated[bool, typer.Option("--summary", help="Print totals only.", rich_help_panel=OUTPUT)] = (
        False
    )
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code", help="Exit with 1 if there are duplicates, else with 0.", rich_help_panel=OUTPUT
        ),
    ] = False


def dupes(
    *,
    duplicate_options: DuplicateOptions,
    no_verify: Annotated[
        bool,
        typer.Option(
            "--no-verify",
            help="Group by codes alone, within --radius, and compare no photos: fast, but candidates only.",
        ),
    ] = False,
    on: On = None,
    listing: ListingOptions,
    common: CommonOptions,
) -> None:
    """Find groups of duplicates and say which photo of each to keep.

        vtsfind dupes
        vtsfind dupes --between ~/Photos ~/Phone --prefer-folder ~/Photos
        vtsfind dupes --kind burst --json
        vtsfind dupes --html duplicates.html

    Nothing is changed; continue with `vtsfind browse` or `vtsfind plan`. Photos with similar codes or with local
    features in common are candidates; a candidate counts once both photos are read and compared. Every photo of a group
    is compared with the one to keep. --paths-only prints the photos that need not be kept. On the page of --html you choose
    what goes and save that as a plan for `vtsfind apply`; it holds a small picture of each photo.

    Kinds of duplicates: bytes (exact copy), pixels (same pixels in another file), resave (saved again, or resized),
    turned (rotated or mirrored), edit (edited: cropped, bordered, written on, recoloured), burst (other shot of the same
    scene; of shots of one size the sharpest and least blown out one is suggested), similar (similar codes only, needs --no-verify and --radius).

    Results are kept, so that a second run is fast and an interrupted one continues. Run `vtsfind index` first if photos
    have changed. The exit code is 3 if photos could not be read.
    """
    with running(common) as run, cancel_on_signal(run):
        from vtsfind.engine.duplicates.pipeline import duplicates

        require_one_of(
            json=run.json,
            csv=listing.csv,
            html=listing.html,
            paths_only=listing.paths_only,
            print0=listing.print0,
            summary=listing.summary,
        )
        if listing.html:
            _require_page(run, listing.html, verified=not no_verify, force=listing.force)
        order = require_choice(listing.sort, tuple(_ORDERS), "--sort")
        dedup_options = duplicate_options.dedup_options(verify=not no_verify)
        from vtsfind.engine.review.standing import with_kept_in_review

        with run.context(on=on) as context:
            found = with_kept_in_review(_sorted(duplicates(context, dedup_options), order))
        require_photos(found)
        _write(run, found, listing)
        _conclude(run, found, exit_code=listing.exit_code)


def _sorted(found: "Duplicates", order: str) -> "Duplicates":
    """The groups in another order; they keep their numbers, which are those of `vtsfind plan`."""
    from vtsfind.engine.review.filters import Listing, Sort

    places = Listing(found.groups).order(Sort[_ORDERS[order]])
    return replace(found, groups=tuple(found.groups[place] for place in places))


def _require_page(run: CommandRun, path: Path, *, verified: bool, force: bool) -> None:
    """Refuse, before the work, a page that could not be written."""
    from vtsfind.engine.library.outputs import require_output
    from vtsfind.report.pages.page import PAGE_FILE

    if not verified:
        raise UsageError(
            "--html and --no-verify cannot be combined: candidates are no duplicates.",
            "Leave out --no-verify.",
        )
    require_output(path, PAGE_FILE, run.settings, force=force)


def _write(run: CommandRun, found: "Duplicates", listing: ListingOptions) -> None:
    from vtsfind.report import groups

    if listing.html:
        _write_page(run, found, listing.html, force=listing.force)
    elif run.json:
        groups.write_records(run.output, found)
    elif listing.csv:
        groups.write_csv(run.output, found)
    elif listing.end is not None:
        groups.write_paths(run.output, found, end=listing.end)
    elif not listing.summary:
        groups.write_groups(run.output, found, verbose=run.notes.verbose)
    groups.summarize_duplicates(run.notes, found)


def _write_page(run: CommandRun, found: "Duplicates", path: Path, *, force: bool) -> None:
    from vtsfind.cli.pages import write_page
    from vtsfind.engine.apply.plans import plan_for_groups
    from vtsfind.report.pages.groups import groups_page

    plan, _ = plan_for_groups(
        found.groups, library=found.library, command=shlex.join(["vtsfind", *sys.argv[1:]])
    )
    write_page(run, path, lambda thumbnail: groups_page(found.groups, plan, thumbnail), force=force)


def _conclude(run: CommandRun, found: "Duplicates", *, exit_code: bool) -> None:
    from vtsfind.base.records import Reason

    if any(failure.reason is not Reason.VANISHED for failure in found.failures):
        run.code = ExitCode.SOME_FAILED
    elif exit_code and found.groups:
        run.code = ExitCode.ANSWER_NO
