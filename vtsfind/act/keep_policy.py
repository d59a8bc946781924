"""Keeper ranking: which of several copies is kept, by an ordered list of rules, with a reason for each choice.

The first rule under which two files differ decides between them. The last rule is the path, so no two files are ever
equal, and the result depends neither on the order of the input nor on chance. Damaged files rank after all others, and then
files in a reference folder before all others, whatever the rules say; those are never changed.

The rule `pixels` does not count what was added around a photo. A screenshot, a card or a collage without camera data ranks
after the shot that it contains, if that has camera data and at least as much detail (`Policy.is_frame`); a screenshot does so after any
picture that has at least the pixels with which it is shown. So does a collage of
mostly other things that contains a truncated part of the shot. If neither has camera data, the wider picture may be the
original of a crop: then it is kept, since at most detail is lost, unless there is a border discontinuity around the narrower
one. Either choice is reported as a tie (`Policy.ambiguity`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from vtsfind.act import file_rules
from vtsfind.act import keep_rules as rules
from vtsfind.act.framing import Framing, Inset, inset, is_screenshot_of
from vtsfind.act.intact import INTACT
from vtsfind.act.keep_rules import KeepCandidate, Reason, Rule, Value
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Evidence
from vtsfind.base.words import listed

__all__ = [
    "DEFAULT_RULES",
    "RULES",
    "KeepCandidate",
    "Policy",
    "mark_recompressed",
    "policy",
]

DEFAULT_RULES: Final = (
    "camera", "pixels", "format", "compression", "depth", "contents", "unit", "folder", "oldest", "name", "path"
)  # fmt: skip
"""The default order: what cannot be recovered (pixels, metadata) before what can (name, folder).

Preferred folders come before the age: copying a file changes its time, while a person chose the folders.
"""

_FOLDER = file_rules.in_folders("folder", "the folders given with --prefer-folder, in their order", (), "")
RULES: Final = {
    rule.name: rule
    for rule in (
        file_rules.CAMERA,
        rules.PIXELS,
        rules.FORMAT,
        rules.COMPRESSION,
        rules.DEPTH,
        file_rules.CONTENTS,
        file_rules.SIDECARS,
        _FOLDER,
        file_rules.OLDEST,
        file_rules.NEWEST,
        file_rules.LARGEST,
        file_rules.SMALLEST,
        file_rules.NAME,
        file_rules.PATH,
    )
}
"""Every rule, by name; `folder` gets its folders from `policy`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in force, first to last. `policy` makes one."""

    rules: tuple[Rule, ...]
    reference: tuple[bytes, ...] = ()
    """Folders whose files are never changed."""

    def key(self, candidate: KeepCandidate) -> tuple[Value, ...]:
        """The sort key of a candidate, different for any two paths."""
        return tuple(rule.value(candidate) for rule in self.rules)

    def ranked(self, candidates: Iterable[KeepCandidate]) -> list[KeepCandidate]:
        """All candidates, the keeper first, after `mark_recompressed`.

        Pass the returned candidates, not the original ones, to `reason` and `tied`.
        """
        return sorted(mark_recompressed(candidates), key=self.key)

    def deciding_rule(self, keeper: KeepCandidate, other: KeepCandidate) -> Rule | None:
        """The first rule under which the two differ; None if they are the same file."""
        return next((rule for rule in self.rules if rule.value(keeper) != rule.value(other)), None)

    def is_decided_by_pixels(self, first: KeepCandidate, second: KeepCandidate) -> bool:
        """Whether the two are equal under all rules before `pixels`."""
        for rule in self.rules:
            if rule.name == rules.PIXELS.name:
                return True
            if rule.value(first) != rule.value(second):
                return False
        return False

    def is_frame(self, wider: KeepCandidate, narrower: KeepCandidate, evidence: Evidence) -> bool:
        """Whether the rule `pixels` would prefer a picture for its surroundings, while the one that it contains is better.

        `evidence` is of the two, with its box in `wider`.
        """
        found = inset(wider, narrower, evidence) if self.is_decided_by_pixels(wider, narrower) else None
        return found is not None and found.framing in {Framing.FRAME, Framing.COLLAGE, Framing.LIKELY_FRAME}

    def ambiguity(self, keeper: KeepCandidate, other: KeepCandidate, evidence: Evidence) -> str:
        """Why it is unclear whether `other` should be kept instead, in a few words; empty if it is clear.

        `evidence` is of the two, with `keeper` first.
        """
        if evidence.boxed is None or not self.is_decided_by_pixels(keeper, other):
            return ""
        if evidence.boxed == 0:
            found, ambiguous = inset(keeper, other, evidence), {Framing.LIKELY_FRAME, Framing.UNCLEAR}
        else:
            found, ambiguous = inset(other, keeper, evidence), {Framing.LIKELY_FRAME}
            if self.key(keeper) < self.key(other):  # it is kept in either case
                return ""
        return "a crop or a collage" if found and found.framing in ambiguous else ""

    def enlargement_doubt(self, keeper: KeepCandidate, other: KeepCandidate) -> str:
        """Why a larger copy may have more detail though it is not kept, in a few words; empty if it was not left for that."""
        is_left = (
            self.deciding_rule(keeper, other) is rules.PIXELS
            and rules.PIXELS.prefers(keeper, other)
            and rules.is_larger(other, keeper)
            and rules.upscaled_from(other)
        )
        return "an original or an enlargement" if is_left else ""

    def reason(self, keeper: KeepCandidate, other: KeepCandidate, evidence: Evidence | None = None) -> str:
        """Why `keeper` is kept in place of `other`, and which EXIF data it has or lacks in comparison.

        Such as "4032x3024 beats 2048x1536; has GPS". `evidence` is of the two, with `keeper` first.
        """
        rule = self.deciding_rule(keeper, other)
        if rule is None:
            return "the same file"
        said = (self._framing_reason(rule, keeper, other, evidence) or rule.reason(keeper, other)).of_better
        gained, lacking = _exif_differences(rule, keeper, other)
        words = [f"has {gained}"] * bool(gained) + [f"without {lacking}, which another copy has"] * bool(
            lacking
        )
        return "; ".join([said, *words])

    def loss(self, keeper: KeepCandidate, other: KeepCandidate, evidence: Evidence | None = None) -> str:
        """The same, said of `other`."""
        rule = self.deciding_rule(keeper, other)
        if rule is None:
            return "the same file"
        said = (self._framing_reason(rule, keeper, other, evidence) or rule.reason(keeper, other)).of_worse
        lost, lacking = _exif_differences(rule, other, keeper)
        words = [f"lost with it: {lost}"] * bool(lost)
        words += [f"without {lacking}, which the kept one has"] * bool(lacking)
        return "; ".join([said, *words])

    def _framing_reason(
        self, rule: Rule, keeper: KeepCandidate, other: KeepCandidate, evidence: Evidence | None
    ) -> Reason | None:
        """Why `keeper` is kept, if the reason is that one of the two contains the other; otherwise None.

        `rule` is the deciding rule; if `other` is a frame, it prefers `other`.
        """
        passed_over = rule.prefers(other, keeper)
        if (
            evidence is None
            or not (evidence.box or passed_over)
            or not self.is_decided_by_pixels(keeper, other)
        ):
            return None
        if evidence.boxed == 0 and is_screenshot_of(keeper, other):
            shown = inset(keeper, other, evidence)
            words = shown and f"shows it at {shown.size} on a screen, larger than {rules.size(other)}"
            return Reason.about_better(words) if words else None
        if evidence.boxed == 0 and self.ambiguity(keeper, other, evidence):
            surroundings = "which it contains"
        else:
            found = inset(other, keeper, evidence) if evidence.boxed == 1 else None
            if is_screenshot_of(other, keeper):
                return _of_screenshot(found, passed_over=passed_over)
            surroundings = _around(found, passed_over=passed_over)
        sizes = f"{rules.size(keeper)} beats {rules.size(other)}"
        return Reason.about_both(f"{sizes}, {surroundings}") if surroundings else None

    def keeper_reason(self, ranked: Sequence[KeepCandidate], evidence: Evidence | None = None) -> str:
        """Why the first of the ranked candidates is kept in place of the second; `evidence` is of these two."""
        if len(ranked) < 2:
            return "the only copy"
        return self.reason(ranked[0], ranked[1], evidence)

    def tied(self, keeper: KeepCandidate, other: KeepCandidate) -> bool:
        """Whether the two differ in their paths only."""
        rule = self.deciding_rule(keeper, other)
        return rule is None or rule.name == file_rules.PATH.name

    def protected(self, path: bytes) -> bool:
        """Whether a file lies in a reference folder and so must never be changed, whether it is the keeper or not."""
        return file_rules.folder_rank(self.reference, path) < len(self.reference)


def _of_screenshot(found: Inset | None, *, passed_over: bool) -> Reason | None:
    """Why the photo is kept that a screenshot shows; None if that is no reason."""
    shows = ""
    if found and found.framing is Framing.FRAME:
        shows = f", which shows it at {found.size}"
    elif found and found.framing is Framing.COLLAGE:
        shows = ", which shows a part of it"
    elif not passed_over:
        return None
    return Reason(
        f"the photo itself; the other is a screenshot of it{shows}",
        f"is a screenshot of the kept one{shows}",
    )


def _around(found: Inset | None, *, passed_over: bool) -> str:
    """What a picture that may contain the kept one is to it, in words; empty if that is no reason."""
    if found and found.framing is Framing.FRAME:
        return f"which contains it at {found.size}"
    if found and found.framing is Framing.LIKELY_FRAME and passed_over:
        return f"which contains it at {found.size}: a collage or card, or the original of a crop"
    if found and found.framing is Framing.COLLAGE:
        return "which contains a part of it among other things"
    return "which contains it among other things" if passed_over else ""


def policy(
    names: Sequence[str] = DEFAULT_RULES, *, prefer: Sequence[bytes] = (), reference: Sequence[bytes] = ()
) -> Policy:
    """Make a keep policy.

    Parameters
    ----------
    names
        Rules of `RULES`, the most important first. `path` is appended if it is missing.
    prefer
        Folders, absolute, the most preferred first; inserted before the age and the path if `names` lacks `folder`.
    reference
        Folders, absolute, whose files rank before all other intact ones and are never changed.

    Raises
    ------
    UsageError
        For an unknown or repeated rule; the message suggests the most similar one.
    """
    chosen = list(names)
    for name in chosen:
        if name not in RULES:
            near = get_close_matches(name, RULES, n=1, cutoff=0.5)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            raise UsageError(f"There is no keep rule '{name}'.", f"{hint}Rules: {', '.join(RULES)}.")
        if chosen.count(name) > 1:
            raise UsageError(f"The keep rule '{name}' is given twice.", "Name each rule once.")
    if prefer and "folder" not in chosen:
        ages = [chosen.index(name) for name in ("oldest", "newest", "name", "path") if name in chosen]
        chosen.insert(min(ages, default=len(chosen)), "folder")
    if "path" not in chosen:
        chosen.append("path")
    made = [_with_folders(RULES[name], tuple(prefer)) for name in chosen]
    if reference:
        meaning = "in a reference folder"
        made.insert(0, file_rules.in_folders("reference", meaning, tuple(reference), f"is {meaning}"))
    made.insert(0, INTACT)
    return Policy(tuple(made), tuple(reference))


def _with_folders(rule: Rule, prefer: tuple[bytes, ...]) -> Rule:
    if rule is not _FOLDER:
        return rule
    return file_rules.in_folders(rule.name, rule.meaning, prefer, "is in a preferred folder")


def _exif_differences(rule: Rule, own: KeepCandidate, other: KeepCandidate) -> tuple[str, str]:
    """What of the EXIF data that a person would miss only the first file has, and only the second, unless the rule is about that."""
    if rule.name == file_rules.CONTENTS.name:
        return "", ""
    mine, theirs = file_rules.notable_exif(own), file_rules.notable_exif(other)
    gained = [name for name in mine if name not in theirs]
    lost = [name for name in theirs if name not in mine]
    return listed(gained) if gained else "", listed(lost) if lost else ""


SAME_QUALITY: Final = 10
"""How far apart a JPEG's quality and the one that its traces tell may be: nine of ten are within 3, and the double of a step adds up to 9."""


def mark_recompressed(candidates: Iterable[KeepCandidate]) -> list[KeepCandidate]:
    """Mark other files that were made from a JPEG among the candidates: with its very pixels, or of its size and with traces of its quality.

    A picture has the pixels of a decoded JPEG by no chance, while saving a JPEG as PNG keeps each pixel. Keeps the order.
    """
    known = list(candidates)
    jpegs = [each for each in known if each.photo.info.format == "JPEG" and not each.details.lossless]
    pixels = {each.details.pixels for each in jpegs if each.details.pixels}
    qualities: dict[tuple[int, int], list[int]] = {}
    for each in jpegs:
        if each.details.quality:
            lowest = min(each.details.quality, each.details.earlier_quality or each.details.quality)
            qualities.setdefault(_frame(each), []).append(lowest)

    def is_made_from_one(each: KeepCandidate) -> bool:
        earlier = each.details.earlier_quality
        return each.details.pixels in pixels or (
            earlier is not None
            and any(abs(earlier - quality) <= SAME_QUALITY for quality in qualities.get(_frame(each), ()))
        )

    return [
        replace(each, details=replace(each.details, recompressed=True))
        if each.photo.info.format != "JPEG" and is_made_from_one(each)
        else each
        for each in known
    ]


def _frame(candidate: KeepCandidate) -> tuple[int, int]:
    return candidate.photo.info.width, candidate.photo.info.height
