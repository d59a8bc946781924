"""`vtsfind query`: photos that are similar to one or show what words say, best first."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running
from vtsfind.cli.completion import complete_cameras, complete_heads
from vtsfind.cli.options import OUTPUT, CommonOptions, Device, Force, Html, PathOptions, require_one_of

if TYPE_CHECKING:
    from vtsfind.base.records import Failure
    from vtsfind.engine.search.catalogue import Catalogue
    from vtsfind.engine.search.query import SearchOptions, Similar
    from vtsfind.report.pictures import InlinePictures

_SOME_PHOTO_IS_FIRST = "These fit the words best, whether or not they show it."


@dataclass(frozen=True, kw_only=True)
class QueryOptions:
    """What is wanted of an answer."""

    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            "-t",
            metavar="N",
            help="Print the N best files; by default 20, or all with --radius, and of a list the N newest, or all.",
        ),
    ] = None
    radius: Annotated[
        int | None,
        typer.Option(metavar="BITS", help="Print only photos whose codes differ in at most BITS bits."),
    ] = None
    by: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="What to compare: likeness, what is in the picture and how it looks (the default), scene, what is in it alone, copy, "
            "whether it is the same picture, or words, what a caption would say.",
            autocompletion=complete_heads,
        ),
    ] = None
    folders: Annotated[
        list[str] | None,
        typer.Option("--in", metavar="DIR", help="Only photos in DIR or below it. May be repeated."),
    ] = None
    on: Annotated[
        str | None,
        typer.Option(
            metavar="DAY",
            help="Only photos taken on DAY, or in that month or year: 2021-05-31, 2021-05 or 2021. Where the time of the shot is "
            "not known, the file's counts.",
        ),
    ] = None
    after: Annotated[
        str | None,
        typer.Option(
            metavar="DAY", help="Only photos taken on DAY or later; of a month or year, on its first day."
        ),
    ] = None
    before: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only photos taken before DAY, which is left out.")
    ] = None
    cameras: Annotated[
        list[str] | None,
        typer.Option(
            "--camera",
            metavar="NAME",
            help="Only photos by a camera with NAME in its name, ignoring case. May be repeated.",
            autocompletion=complete_cameras,
        ),
    ] = None
    skip_self: Annotated[
        bool, typer.Option("--skip-self", help="Leave the queried file out of its own results.")
    ] = False
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate",
            help="Allow an answer that misses some of the nearest photos, where that is faster: in a library on a server that has "
            "pgvector.",
        ),
    ] = False
    device: Device = None

    def search_options(self) -> "SearchOptions":
        """What the engine is asked for."""
        from vtsfind.engine.search.query import SearchOptions
        from vtsfind.engine.search.where import Where, parse_days

        days = {"on": self.on, "after": self.after, "before": self.before}
        where = Where(
            tuple(self.folders or ()),
            *parse_days({name: [day] if day else [] for name, day in days.items()}, "--{}"),
            cameras=tuple(self.cameras or ()),
        )
        return SearchOptions(self.by, self.top, self.radius, self.skip_self, where, self.approximate)


@dataclass(frozen=True, kw_only=True)
class WordOptions:
    """Words to search for."""

    text: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORDS",
            help="Find photos that show this; together with a photo, photos that are like it and show this. May be repeated.",
        ),
    ] = None
    without: Annotated[
        list[str] | None,
        typer.Option("--not", metavar="WORDS", help="Rank photos that show this lower. May be repeated."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """Printing into a web page."""

    html: Html = None
    force: Force = False


def query(
    queries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE|WORDS",
            help="Photos, in the library or not; - reads one from standard input. What is no file, and has neither a / nor the "
            "ending of a photo, are words to search for, all together.",
            show_default=False,
        ),
    ] = None,
    *,
    words: WordOptions,
    options: QueryOptions,
    pictures: Annotated[
        str | None,
        typer.Option(
            metavar="[=HOW]",
            help="Draw small pictures in the terminal, as a grid. HOW is auto (the best that the terminal supports, the default), "
            "kitty, sixel, iterm2 or blocks.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    page: PageOptions,
    paths: PathOptions,
    common: CommonOptions,
) -> None:
    """Find photos that look like IMAGE or show what WORDS say, best first.

        vtsfind query cat.jpg
        vtsfind query "a dog on the beach" --not water
        vtsfind query cat.jpg --text "at night"
        vtsfind query cat.jpg --by copy --radius 10 --paths-only
        vtsfind query cat.jpg --in ~/Photos/2021 --after 2021-05 --camera iphone
        vtsfind query --in ~/Photos/2021 --after 2021-05
        curl -s https://example.org/cat.jpg | vtsfind query -

    A line shows the rank, the similarity as a bar, the number of bits in which the codes differ, size, date and path. Without
    --by two codes count, that of what is in the picture most. A photo of the library is its own best hit, at distance 0. A
    photo that is not in the library is compared more finely than by bits, and with --by copy also mirrored and reduced, so the
    best hit need not have the smallest distance.

    Without IMAGE and WORDS, --in, --on, --after, --before and --camera list the photos that they leave, newest first.

    Words are English, and are compared with what captions of such photos say. The order counts, not the distance: some photo
    always comes first.

    The exit code is 1 if nothing is found, and 3 if a queried photo could not be read.
    """
    with running(common, device=options.device) as run, cancel_on_signal(run):
        from vtsfind.engine.search.query import find_similar
        from vtsfind.engine.search.where import EVERYTHING

        search_options = options.search_options()
        is_list = not (queries or words.text)
        if is_list and (words.without or search_options.where == EVERYTHING):
            raise UsageError(
                "There is nothing to search for.",
                "Name a photo, describe what it shows, or list photos with --in, --on, --after, --before or --camera.",
            )
        require_one_of(
            json=run.json,
            paths_only=paths.paths_only,
            print0=paths.print0,
            pictures=pictures is not None,
            html=page.html,
        )
        if page.html:
            from vtsfind.engine.library.outputs import require_output
            from vtsfind.report.pages.page import PAGE_FILE

            require_output(page.html, PAGE_FILE, run.settings, force=page.force)
        if is_list:
            _require_no_question(options, pictures, page)
            _list(run, search_options, paths)
            return
        with run.context() as context:
            found = find_similar(
                context,
                queries or (),
                search_options,
                texts=words.text or (),
                without=words.without or (),
                standard_input=sys.stdin.buffer,
            )
        if page.html:
            _write_page(run, found, page.html, force=page.force)
        else:
            _write(run, found, paths, pictures)
        _conclude(run, found, is_filtered=search_options.where != EVERYTHING)
        if options.approximate:
            _say_what_is_missed(run, found)


def _require_no_question(options: QueryOptions, pictures: str | None, page: PageOptions) -> None:
    """Refuse what compares photos with a question where none is asked."""
    given = {
        "--by": options.by is not None,
        "--radius": options.radius is not None,
        "--skip-self": options.skip_self,
        "--approximate": options.approximate,
        "--pictures": pictures is not None,
        "--html": page.html is not None,
    }
    for name, is_given in given.items():
        if is_given:
            raise UsageError(
                f"{name} needs a photo or words to search for.", "Name a photo, or describe what it shows."
            )


def _list(run: CommandRun, search_options: "SearchOptions", paths: PathOptions) -> None:
    """List the photos that the filters leave."""
    from vtsfind.engine.search.catalogue import list_photos
    from vtsfind.engine.search.where import NONE_PASSES
    from vtsfind.report import catalogue

    with run.context() as context:
        found = list_photos(context, search_options.where, search_options.top)
    if run.json:
        catalogue.write_photo_records(run.output, found)
    elif paths.end is not None:
        catalogue.write_photo_paths(run.output, found, end=paths.end)
    else:
        catalogue.write_photos(run.output, found)
    if not found.photos:
        run.notes.say(NONE_PASSES)
        run.code = ExitCode.ANSWER_NO
    _say_without_camera(run, found)


def _write(run: CommandRun, found: "Similar", paths: PathOptions, pictures: str | None) -> None:
    from vtsfind.report import query as hits

    if run.json:
        hits.write_records(run.output, found)
    elif paths.end is not None:
        hits.write_paths(run.output, found.answers, end=paths.end)
    else:
        hits.write_answers(run.output, found.answers, _inline_pictures(run, pictures) if pictures else None)


def _write_page(run: CommandRun, found: "Similar", path: Path, *, force: bool) -> None:
    from vtsfind.cli.pages import write_page
    from vtsfind.report.pages.hits import hits_page

    write_page(run, path, lambda thumbnail: hits_page(found, thumbnail), force=force)


def _inline_pictures(run: CommandRun, how: str) -> "InlinePictures | None":
    """What draws the pictures of hits; None where there is no terminal to draw on."""
    from vtsfind.engine.previews.thumbnails import thumbnails
    from vtsfind.report.pictures import THUMBNAIL_SIDE_PX, InlinePictures, inline_renderer

    renderer = inline_renderer(how, run.output)
    if renderer is None:
        return None
    return InlinePictures(
        renderer, run.output, lambda paths: thumbnails(paths, THUMBNAIL_SIDE_PX, run.settings, run.cancel)
    )


def _say_what_is_missed(run: CommandRun, found: "Similar") -> None:
    if found.is_approximate:
        run.notes.say(
            "The answer is approximate: some near photos may be missing. Without --approximate it is exact."
        )
    else:
        run.notes.say(
            "The answer is exact: an approximate one needs pgvector on the library's server, and neither words, --in, --camera,"
            " --on, --after, --before nor --radius without --top."
        )


def _failure_words(failure: "Failure") -> str:
    """What is wrong with a photo that was asked for: it may never have been there."""
    from vtsfind.base.paths import show_path
    from vtsfind.base.records import Reason

    if failure.reason is Reason.VANISHED:
        return f"{show_path(failure.path)} does not exist."
    return str(failure)


def _say_without_camera(run: CommandRun, found: "Similar | Catalogue") -> None:
    from vtsfind.base.words import counted

    if found.without_camera:
        run.notes.say(
            f"Left out {counted(found.without_camera, 'photo')} whose camera is not known yet; `vtsfind index` looks for it."
        )


def _conclude(run: CommandRun, found: "Similar", *, is_filtered: bool) -> None:
    """Say which photos could not be read and for which nothing was found; choose the exit code."""
    from vtsfind.base.paths import show_path
    from vtsfind.engine.search.query_words import QueryWords
    from vtsfind.engine.search.where import NONE_PASSES

    for answer in found.answers:
        if answer.failure:
            run.notes.warn(_failure_words(answer.failure))
        elif not (answer.neighbours or found.passes_none):
            which = "that the filters leave" if is_filtered else "of the library"
            run.notes.say(f"No photo {which} looks like {show_path(answer.query.name)}.")
        if answer.unknown:
            run.notes.say(f"Not known, and left out: {', '.join(answer.unknown)}.")
    if found.passes_none:
        run.notes.say(NONE_PASSES)
    if any(answer.neighbours and isinstance(answer.query, QueryWords) for answer in found.answers):
        run.notes.say(_SOME_PHOTO_IS_FIRST)
    _say_without_camera(run, found)
    if any(answer.failure for answer in found.answers):
        run.code = ExitCode.SOME_FAILED
    elif not any(answer.neighbours for answer in found.answers):
        run.code = ExitCode.ANSWER_NO
