"""Which duplicates are meant: the options that `dupes`, `plan` and others share."""

from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError

if TYPE_CHECKING:
    from vtsfind.base.groups import Verdict
    from vtsfind.engine.duplicates.pipeline import DedupOptions

Kind = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND",
        help="What counts as a duplicate: bytes, pixels, resave, turned, edit, burst or similar; may be given more "
        "than once. `copies`, the first five, is the default.",
        show_default=False,
    ),
]
Within = Annotated[
    list[str] | None,
    typer.Option(metavar="DIR", help="Only pairs with both photos in DIR; may be given more than once."),
]
Between = Annotated[
    tuple[str, str] | None,
    typer.Option(
        metavar="A B",
        help="Only pairs with one photo in folder A and the other in B.",
        show_default=False,
    ),
]
Reference = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DIR", help="Photos in DIR are always kept, and never proposed to go; may be repeated."
    ),
]
PreferFolder = Annotated[
    list[str] | None,
    typer.Option(metavar="DIR", help="Rather keep photos in DIR; the first one given most; may be repeated."),
]
KeepBy = Annotated[
    str | None,
    typer.Option(
        metavar="RULES",
        help="What decides which photo is kept, with commas: pixels,format,compression,exif,unit,folder,oldest,path "
        "is the default; newest, largest and smallest are there, too.",
        show_default=False,
    ),
]
Radius = Annotated[
    int | None,
    typer.Option(
        metavar="BITS",
        help="Look at pairs whose codes differ in at most so many bits, and at no others; by default, what fits the library's "
        "size, and pairs that show the same details.",
        show_default=False,
    ),
]
MaxFalseMerge = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        help="Choose the radius so that at most this share of pairs of strangers is looked at; by what "
        "`vtsfind calibrate` found.",
        show_default=False,
    ),
]


def dedup_options(
    *,
    kind: list[str] | None,
    within: list[str] | None,
    between: tuple[str, str] | None,
    reference: list[str] | None,
    prefer_folder: list[str] | None,
    keep_by: str | None,
    radius: int | None,
    max_false_merge: float | None,
    verify: bool = True,
) -> "DedupOptions":
    """What the shared options ask for.

    Raises
    ------
    UsageError
        If there is no such kind.
    """
    from vtsfind.engine.duplicates.pipeline import DedupOptions

    options = DedupOptions(
        kinds=_kinds(kind),
        radius=radius,
        verify=verify,
        max_false_merge=max_false_merge,
        between=tuple(between or ()),
        within=tuple(within or ()),
        reference=tuple(reference or ()),
        prefer=tuple(prefer_folder or ()),
    )
    return options.with_keep_rules(keep_by.split(",")) if keep_by else options


def _kinds(given: list[str] | None) -> "frozenset[Verdict]":
    """The verdicts that the user calls duplicates."""
    from vtsfind.base.groups import COPIES, Verdict

    kinds: set[Verdict] = set()
    for word in [word for each in given or ["copies"] for word in each.split(",")]:
        if word == "copies":
            kinds.update(COPIES)
        elif word in set(Verdict):
            kinds.add(Verdict(word))
        else:
            known = ", ".join(Verdict)
            raise UsageError(f"There is no kind of duplicate '{word}'.", f"Kinds: copies, {known}.")
    return frozenset(kinds)
