"""Which of several copies is kept: an ordered list of rules, each choice with its reason.

The first rule under which two files differ decides between them. The last rule is the path, so no two files are ever
equal, and the order depends on neither the order of the input nor on chance. Files in a reference folder come before
all others whatever the rules say, and are never to be touched.

The rule `pixels` does not count what was put around a photo. A screenshot, a card or a collage without a camera's data comes
after the shot that it shows, if that has a camera's data and is shown with no more detail than it has (`Policy.is_frame`); so
does what shows another picture cut off, and mostly other things. If
neither has such data, it may as well be the original of a crop: then the wider one is kept, since nothing is lost with it but
perhaps detail, unless it breaks off where the other one ends. Either choice is reported as a tie (`Policy.ambiguity`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from vtsfind.act import rules
from vtsfind.act.containing import Framing, inset
from vtsfind.act.rules import KeepCandidate, Rule, Value
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Evidence

__all__ = [
    "DEFAULT_RULES",
    "QUALITY_RULES",
    "RULES",
    "KeepCandidate",
    "Policy",
    "mark_recompressed",
    "policy",
]

DEFAULT_RULES: Final = ("pixels", "format", "compression", "exif", "unit", "folder", "oldest", "path")
"""The order unless another is asked for: what cannot be got back (pixels, data) before what can (name, place).

The preferred folders stand before the age, since copying a file changes its time, and a person named the folders.
"""

QUALITY_RULES: Final = ("pixels", "format", "compression", "exif")
"""The rules about what cannot be got back."""

_FOLDER = rules.in_folders("folder", "the folders given with --prefer-folder, in their order", (), "")
RULES: Final = {
    rule.name: rule
    for rule in (
        rules.PIXELS,
        rules.FORMAT,
        rules.COMPRESSION,
        rules.EXIF,
        rules.SIDECARS,
        _FOLDER,
        rules.OLDEST,
        rules.NEWEST,
        rules.LARGEST,
        rules.SMALLEST,
        rules.PATH,
    )
}
"""Every rule that can be asked for, by name; `folder` gets its folders from `policy`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in force, first to last. `policy` makes one."""

    rules: tuple[Rule, ...]
    reference: tuple[bytes, ...] = ()
    """Folders whose files are never touched."""

    def key(self, candidate: KeepCandidate) -> tuple[Value, ...]:
        """What a contender is sorted by; no two different paths have the same."""
        return tuple(rule.value(candidate) for rule in self.rules)

    def ranked(self, candidates: Iterable[KeepCandidate]) -> list[KeepCandidate]:
        """All contenders, the one to keep first, with what they show of each other (`mark_recompressed`).

        The contenders that come back are the ones to ask `reason` and `tied` about.
        """
        return sorted(mark_recompressed(candidates), key=self.key)

    def deciding_rule(self, keeper: KeepCandidate, other: KeepCandidate) -> Rule | None:
        """The first rule under which the two differ; None for one and the same file."""
        return next((rule for rule in self.rules if rule.value(keeper) != rule.value(other)), None)

    def is_decided_by_pixels(self, first: KeepCandidate, second: KeepCandidate) -> bool:
        """Whether no rule before `pixels` tells the two apart."""
        for rule in self.rules:
            if rule.name == rules.PIXELS.name:
                return True
            if rule.value(first) != rule.value(second):
                return False
        return False

    def is_frame(self, wider: KeepCandidate, narrower: KeepCandidate, evidence: Evidence) -> bool:
        """Whether the rule `pixels` would rank a picture by what it shows around another one, which is the better one.

        `evidence` is of the two, with its box in `wider`.
        """
        found = inset(wider, narrower, evidence) if self.is_decided_by_pixels(wider, narrower) else None
        return found is not None and found.framing in {Framing.FRAME, Framing.COLLAGE, Framing.LIKELY_FRAME}

    def ambiguity(self, keeper: KeepCandidate, other: KeepCandidate, evidence: Evidence) -> str:
        """Why nobody can tell whether `other` should be kept instead, in a few words; empty if the rules can.

        `evidence` is of the two, with `keeper` first.
        """
        if evidence.boxed is None or not self.is_decided_by_pixels(keeper, other):
            return ""
        if evidence.boxed == 0:
            found, ambiguous = inset(keeper, other, evidence), {Framing.LIKELY_FRAME, Framing.UNCLEAR}
        else:
            found, ambiguous = inset(other, keeper, evidence), {Framing.LIKELY_FRAME}
            if self.key(keeper) < self.key(other):  # it would be kept whatever the other one is
                return ""
        return "a crop, or a collage" if found and found.framing in ambiguous else ""

    def reason(self, keeper: KeepCandidate, other: KeepCandidate, evidence: Evidence | None = None) -> str:
        """Why `keeper` is kept in place of `other`, in words, and what it has or lacks in EXIF data besides.

        Such as "4032x3024 beats 2048x1536; has GPS". `evidence` is of the two, with `keeper` first.
        """
        rule = self.deciding_rule(keeper, other)
        if rule is None:
            return "the same file"
        said = [
            (evidence and self._framing_reason(rule, keeper, other, evidence)) or rule.words(keeper, other)
        ]
        if rule.name != rules.EXIF.name:
            own, others = rules.notable_exif(keeper), rules.notable_exif(other)
            gained = [name for name in own if name not in others]
            lost = [name for name in others if name not in own]
            said += [f"has {', '.join(gained)}"] * bool(gained) + [f"lacks {', '.join(lost)}"] * bool(lost)
        return "; ".join(said)

    def _framing_reason(
        self, rule: Rule, keeper: KeepCandidate, other: KeepCandidate, evidence: Evidence
    ) -> str:
        """Why `keeper` is kept, if that is for what one of the two shows of the other; else empty.

        `rule` tells them apart, and would keep `other` if that is a frame.
        """
        passed_over = rule.prefers(other, keeper)
        if not (evidence.box or passed_over) or not self.is_decided_by_pixels(keeper, other):
            return ""
        sizes = f"{rules.size(keeper)} beats {rules.size(other)}"
        if evidence.boxed == 0 and self.ambiguity(keeper, other, evidence):
            return f"{sizes}, which it shows in part of it: the original of a crop, or a collage"
        found = inset(other, keeper, evidence) if evidence.boxed == 1 else None
        if found and found.framing is Framing.FRAME:
            return f"{sizes}, which shows it on {found.size}"
        if found and found.framing is Framing.LIKELY_FRAME and passed_over:
            return f"{sizes}, which shows it on {found.size}: a collage or a card, or the original of a crop"
        if found and found.framing is Framing.COLLAGE:
            return f"{sizes}, which shows part of it among other things"
        return f"{sizes}, which shows it among other things" if passed_over else ""

    def keeper_reason(self, ranked: Sequence[KeepCandidate], evidence: Evidence | None = None) -> str:
        """Why the first of some ranked contenders is kept: its reason against the second, `evidence` being of these two."""
        if len(ranked) < 2:
            return "the only one"
        return self.reason(ranked[0], ranked[1], evidence)

    def tied(self, keeper: KeepCandidate, other: KeepCandidate) -> bool:
        """Whether nothing but their paths tells the two apart."""
        rule = self.deciding_rule(keeper, other)
        return rule is None or rule.name == rules.PATH.name

    def protected(self, path: bytes) -> bool:
        """Whether a file lies in a reference folder, and so must never be touched, kept or not."""
        return rules.folder_rank(self.reference, path) < len(self.reference)


def policy(
    names: Sequence[str] = DEFAULT_RULES, *, prefer: Sequence[bytes] = (), reference: Sequence[bytes] = ()
) -> Policy:
    """Make a keep policy.

    Parameters
    ----------
    names
        Rules of `RULES`, the weightiest first. `path` is put at the end if it is not named.
    prefer
        Folders, absolute, the most preferred first; put before the age and the path if `names` lacks `folder`.
    reference
        Folders, absolute, whose files come before all others and are never touched.

    Raises
    ------
    UsageError
        For an unknown or repeated rule, naming the nearest.
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
        ages = [chosen.index(name) for name in ("oldest", "newest", "path") if name in chosen]
        chosen.insert(min(ages, default=len(chosen)), "folder")
    if "path" not in chosen:
        chosen.append("path")
    made = [_with_folders(RULES[name], tuple(prefer)) for name in chosen]
    if reference:
        words = "in a reference folder"
        made.insert(0, rules.in_folders("reference", words, tuple(reference), words))
    return Policy(tuple(made), tuple(reference))


def _with_folders(rule: Rule, prefer: tuple[bytes, ...]) -> Rule:
    if rule is not _FOLDER:
        return rule
    return rules.in_folders(rule.name, rule.meaning, prefer, "in a preferred folder")


def mark_recompressed(candidates: Iterable[KeepCandidate]) -> list[KeepCandidate]:
    """Note what files show of each other: a lossless one with the very pixels of a JPEG was made of it.

    No picture is a JPEG's by chance, whereas saving a JPEG as PNG keeps each pixel. The order stays.
    """
    known = list(candidates)
    lossy = {
        each.details.pixels
        for each in known
        if each.photo.info.format == "JPEG" and each.details.pixels and not each.details.lossless
    }
    return [
        replace(each, details=replace(each.details, recompressed=True))
        if each.details.pixels in lossy and each.photo.info.format != "JPEG"
        else each
        for each in known
    ]
