"""What a search for duplicates is asked for, and what decides in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from vtsfind.act.keep_policy import DEFAULT_RULES, Policy, policy
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import COPIES, PairVerdict, Verdict
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.library.folders import library_folders
from vtsfind.engine.library.scope import Scope, scope
from vtsfind.engine.library.snapshot import Content
from vtsfind.store.decisions import KnownDecisions
from vtsfind.store.library import Library


@dataclass(frozen=True, slots=True)
class DedupOptions:
    """What is asked for. Folders are as the user calls them."""

    kinds: frozenset[Verdict] = frozenset(COPIES)
    """The verdicts that make two photos members of one group."""
    asked: frozenset[Verdict] = frozenset()
    """Verdicts that the user named: edits are proposed to go only then."""
    radius: int | None = None
    """Compare only pairs whose codes differ in at most so many bits; None for a radius that fits the library."""
    verify: bool = True
    """Whether photos are compared at all: if not, all pairs within the radius are grouped as `similar`."""
    max_false_match: float | None = None
    """Choose the radius so that at most this share of the pairs of different photos is within, see `vtsfind calibrate`."""
    between: tuple[str | bytes, ...] = ()
    """Only pairs with one photo in one of these folders and the other in another."""
    within: tuple[str | bytes, ...] = ()
    """Only pairs with both photos in the same of these folders."""
    reference: tuple[str | bytes, ...] = ()
    """Folders whose photos are always kept, and never proposed to go."""
    prefer: tuple[str | bytes, ...] = ()
    """Folders whose photos are preferred as keepers, the most preferred first."""
    rules: tuple[str, ...] = DEFAULT_RULES
    """What decides which photo of a group is kept; see `vtsfind.act.keep_policy`."""

    def with_keep_rules(self, rules: Sequence[str]) -> "DedupOptions":
        """The same options with other keep rules."""
        return replace(self, rules=tuple(rule.strip() for rule in rules))

    @property
    def limits_radius(self) -> bool:
        """Whether the user limits how far apart the codes of a pair may be: then no other pairs are compared."""
        return self.radius is not None or self.max_false_match is not None


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides about groups."""

    policy: Policy
    """Which photo of a group is kept."""
    kinds: frozenset[Verdict]
    """The verdicts that make two photos members of one group."""
    asked: frozenset[Verdict]
    """Those of them that the user named."""
    scope: Scope
    """The pairs that are asked about."""
    decisions: KnownDecisions
    """What the user said about pairs."""

    def joins(self, first: Content, second: Content, pair_verdict: PairVerdict) -> bool:
        """Whether two contents with this verdict belong into one group."""
        if pair_verdict is None or pair_verdict[0] not in self.kinds:
            return False
        return not self.decisions.is_excluded(first.digest, second.digest)


def require_consistent(options: DedupOptions) -> None:
    """Make sure that options do not contradict each other.

    Raises
    ------
    UsageError
        If they do, or there is no such keep rule.
    """
    if options.radius is None and (not options.verify or Verdict.SIMILAR in options.kinds):
        raise UsageError("`--kind similar` and `--no-verify` need a radius.", "Add --radius BITS (try 24).")
    if options.verify and Verdict.SIMILAR in options.kinds:
        raise UsageError("`--kind similar` finds photos that are not compared.", "Add --no-verify.")
    if options.radius is not None and options.max_false_match is not None:
        raise UsageError("--radius and --max-false-match exclude each other.", "Choose one.")
    policy(options.rules)


def rules_for(options: DedupOptions, index: Library) -> Rules:
    """The rules that options ask for, with the folders as the library knows them.

    Raises
    ------
    UsageError
        If a folder is not in the library, or the options contradict each other.
    """
    named = (options.prefer, options.reference, options.between, options.within)
    paths = index.stamps() if any(named) else {}
    prefer, reference, between, within = (library_folders(names, paths) for names in named)
    return Rules(
        policy(options.rules, prefer=[*chain(*prefer)], reference=[*chain(*reference)]),
        options.kinds if options.verify else frozenset({Verdict.BYTES, Verdict.SIMILAR}),
        options.asked,
        scope(between=between, within=within),
        known_decisions(index.place),
    )
