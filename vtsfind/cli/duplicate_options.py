"""The options of a search for duplicates, which `dupes`, `plan` and `browse` share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.base.words import either
from vtsfind.cli.completion import complete_kinds

if TYPE_CHECKING:
    from vtsfind.base.groups import Verdict
    from vtsfind.engine.duplicates.options import DedupOptions
    from vtsfind.engine.duplicates.results import Duplicates

_WHICH = "Which duplicates"
_KEEP = "Which photo to keep"
_SAME_KINDS = {"bursts": "burst", "edits": "edit", "resaves": "resave"}
"""Other words for kinds that people write."""


@dataclass(frozen=True, kw_only=True)
class DuplicateOptions:
    """What is wanted of a search for duplicates, as it stands on the command line."""

    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Kind of duplicates to find: bytes, pixels, resave, turned, edit, burst or similar; or copies for the "
            "first five. These five are found by default, too, but edits then stay; one that is named may go. May be repeated.",
            autocompletion=complete_kinds,
            rich_help_panel=_WHICH,
        ),
    ] = None
    within: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIR",
            help="Compare only photos below DIR. May be repeated.",
            rich_help_panel=_WHICH,
        ),
    ] = None
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="A B",
            help="Compare only photos below folder A with photos below folder B.",
            rich_help_panel=_WHICH,
        ),
    ] = None
    radius: Annotated[
        int | None,
        typer.Option(
            metavar="BITS",
            help="Compare only photos whose codes differ in at most BITS bits. By default the radius follows from the "
            "size of the library, and photos with local features in common are compared as well.",
            rich_help_panel=_WHICH,
        ),
    ] = None
    max_false_match: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="Choose the radius so that at most this share of unrelated pairs is compared, as measured by "
            "`vtsfind calibrate`.",
            rich_help_panel=_WHICH,
        ),
    ] = None
    max_false_merge: Annotated[float | None, typer.Option(metavar="RATE", hidden=True)] = None
    """The former name of `max_false_match`."""
    reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIR",
            help="Always keep photos below DIR. May be repeated.",
            rich_help_panel=_KEEP,
        ),
    ] = None
    prefer_folder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIR",
            help="Prefer to keep photos below DIR; earlier options win. May be repeated.",
            rich_help_panel=_KEEP,
        ),
    ] = None
    keep_by: Annotated[
        str | None,
        typer.Option(
            metavar="RULES",
            help="Rules that choose the photo to keep, the most important first, separated by commas. The default is "
            "camera, pixels, format, compression, depth, contents, unit, folder, oldest, name, path; others are newest, "
            "largest, smallest.",
            rich_help_panel=_KEEP,
        ),
    ] = None

    def dedup_options(self, *, verify: bool = True) -> "DedupOptions":
        """What the engine is asked for.

        Raises
        ------
        UsageError
            If there is no such kind.
        """
        from vtsfind.engine.duplicates.options import DedupOptions

        rate = self.max_false_merge if self.max_false_match is None else self.max_false_match
        options = DedupOptions(
            kinds=_kinds(self.kind),
            asked=_kinds(self.kind) if self.kind else frozenset(),
            radius=self.radius,
            verify=verify,
            max_false_match=rate,
            between=tuple(self.between or ()),
            within=tuple(self.within or ()),
            reference=tuple(self.reference or ()),
            prefer=tuple(self.prefer_folder or ()),
        )
        return options.with_keep_rules(self.keep_by.split(",")) if self.keep_by else options


def require_photos(found: "Duplicates") -> None:
    """Refuse to say that a library without photos has no duplicates.

    Raises
    ------
    UsageError
        If it has none, and none that are gone or on a missing drive.
    """
    if not (found.stats.photos or found.failures or found.absent):
        raise UsageError(
            f"The library {found.library} has no photos yet.",
            "Run `vtsfind index FOLDER`. If it is running, wait until it ends.",
        )


def _kinds(given: list[str] | None) -> "frozenset[Verdict]":
    """The verdicts that the user calls duplicates."""
    from vtsfind.base.groups import COPIES, Verdict

    kinds: set[Verdict] = set()
    for word in [word for each in given or ["copies"] for word in each.split(",")]:
        if word == "copies":
            kinds.update(COPIES)
        elif (name := _SAME_KINDS.get(word, word)) in set(Verdict):
            kinds.add(Verdict(name))
        else:
            raise UsageError(f"'{word}' is not a kind of duplicate.", f"Use {either(['copies', *Verdict])}.")
    return frozenset(kinds)
