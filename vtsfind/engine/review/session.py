"""The session behind the terminal UI: libraries, groups under review, searches, the plan."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from vtsfind.act.file_rules import folder_rank
from vtsfind.base.addresses import Place, ServerAddress
from vtsfind.base.errors import LibraryMissing, StorageError, UsageError, VtsfindError
from vtsfind.base.groups import COPIES, Group, Verdict
from vtsfind.base.operations import State
from vtsfind.base.progress import CancelToken, Monitor, Progress
from vtsfind.base.settings import ACTIVE_RUN_NAME, Settings, places
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.indexing.refresh import RefreshResult
from vtsfind.engine.indexing.update import update
from vtsfind.engine.library.access import library_names, library_place, open_library
from vtsfind.engine.library.decisions import DecisionKind as Decided
from vtsfind.engine.library.decisions import known_decisions, revoked
from vtsfind.engine.library.folders import library_folders
from vtsfind.engine.library.removed import present_counts
from vtsfind.engine.previews.decode import Previews
from vtsfind.engine.review.encoding import group_key
from vtsfind.engine.review.filters import GroupView, Listing
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session_log import SavedSteps
from vtsfind.engine.review.shared_log import SharedSteps, open_steps
from vtsfind.engine.review.state import DigestPair
from vtsfind.engine.search.session import SearchSession
from vtsfind.media.scan import is_missing_or_empty
from vtsfind.store.database import Counts

if TYPE_CHECKING:
    from vtsfind.engine.apply.apply import ApplyResult
    from vtsfind.engine.review.proposal import Proposal
    from vtsfind.store.run_record import RunRecord

COMMAND = "vtsfind browse"
"""The command that plans and the journal name for a session."""

GroupSource = Callable[[Context, DedupOptions], Sequence[Group]]
"""Finds the groups of the library that the context names."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of a library."""

    name: str
    """Its name for `--library`."""
    place: Place
    counts: Counts | None = None
    """None if it cannot be opened."""
    model: str = ""
    roots: tuple[bytes, ...] = ()
    missing_or_empty: tuple[bytes, ...] = ()
    """Its folders that are missing or empty now; their drive may not be connected."""
    error: str = ""
    """Why it cannot be opened."""


class BrowseSession(AbstractContextManager["BrowseSession"]):
    """One session of the terminal UI over one library at a time.

    Parameters
    ----------
    settings
        The settings; they name the first library.
    source
        Finds the groups; by default in the library.
    dedup_options
        Options of finding groups in the library.
    """

    def __init__(
        self,
        settings: Settings,
        source: GroupSource | None = None,
        *,
        dedup_options: DedupOptions | None = None,
    ) -> None:
        self.settings = settings
        self.previews = Previews(settings)
        self.search_session = SearchSession(settings)
        self.review: Review | None = None
        """None until `use_copies` is called."""
        self.listing: Listing | None = None
        self.has_bursts = False
        """Whether the review has the bursts, too."""
        self._source = source or find_groups
        self._options = dedup_options or DedupOptions()
        self.view = _first_view(self._options.kinds)
        """Which groups are listed."""
        self._reference_paths: tuple[bytes, ...] = ()
        self._steps: SavedSteps | SharedSteps | None = None
        self._lock = threading.Lock()

    @property
    def place(self) -> Place:
        """Where the library is."""
        return library_place(self.settings)

    def load(self, progress: Progress, cancel: CancelToken) -> tuple[Review, Listing]:
        """Find the groups of copies, and resume their review; `use_copies` makes them current.

        Raises
        ------
        VtsfindError
            If the library cannot be used, or is being reviewed by another process.
        """
        kinds = self._options.kinds - {Verdict.BURST} or frozenset(COPIES)
        groups = self._find(kinds, progress, cancel)
        reference_paths = self._find_reference_folders()
        with self._lock:
            self._reference_paths = reference_paths
            if self._steps is None:
                self._steps = open_steps(self.place)
            protected = self._is_protected if reference_paths else None
            listing = Listing(groups)
            review = Review(
                groups,
                self._steps,
                self._store_decisions,
                protected,
                revoked=self._revoked,
                asked=self._options.asked,
                bursts=listing.bursts(),
            )
            return review, listing

    def load_bursts(self, progress: Progress, cancel: CancelToken) -> tuple[Sequence[Group], Listing]:
        """Find the bursts, numbered after the copies; `use_bursts` adds them to the review. Errors are those of `load`."""
        copies = self.listing or Listing(())
        last = copies.groups[-1].number if copies.groups else 0
        found = self._find(frozenset({Verdict.BURST}), progress, cancel)
        bursts = [replace(group, number=last + place) for place, group in enumerate(found, 1)]
        return bursts, copies.with_bursts(bursts)

    def _find(self, kinds: frozenset[Verdict], progress: Progress, cancel: CancelToken) -> Sequence[Group]:
        context = Context(self.settings, progress=progress, cancel=cancel)
        found = self._source(context, replace(self._options, kinds=kinds))
        cancel.check()
        return found

    def _store_decisions(self, added: set[DigestPair], removed: set[DigestPair]) -> None:
        """Remember by content which photos the user said are not duplicates."""
        decisions = known_decisions(self.place)
        decisions.add(Decided.NOT_DUPLICATE, added)
        decisions.add(Decided.FORGET, removed)

    def _revoked(self, pairs: set[DigestPair]) -> set[DigestPair]:
        """Which pairs of contents the user may have taken back with `vtsfind decisions forget`."""
        return revoked(pairs, self.place)

    def _is_protected(self, path: bytes) -> bool:
        """Whether a photo is in a reference folder, where nothing is ever removed."""
        return folder_rank(self._reference_paths, path) < len(self._reference_paths)

    def _find_reference_folders(self) -> tuple[bytes, ...]:
        if not self._options.reference:
            return ()
        with open_library(self.settings) as index:
            return tuple(chain(*library_folders(self._options.reference, index.stamps())))

    def look_at(self, number: int) -> tuple[tuple[str, ...], bool]:
        """Tell others which group is looked at, where a library is shared.

        Returns
        -------
        Who else looks at it now, and whether others decided something that `take_news` would show.
        """
        review, steps = self.review, self._steps
        if not (review and steps):
            return (), False
        return steps.look(group_key(review.groups[number])), steps.has_news()

    def take_news(self) -> list[int]:
        """Take over what others decided; gives the groups."""
        return self.review.take(self._steps.news()) if self.review and self._steps else []

    @property
    def is_shared(self) -> bool:
        """Whether others may review the same library at the same time."""
        return isinstance(self.place, ServerAddress)

    def use_copies(self, review: Review, listing: Listing) -> None:
        """Make the copies that were found the current groups."""
        self.review, self.listing, self.has_bursts = review, listing, False

    def use_bursts(self, bursts: Sequence[Group], listing: Listing) -> None:
        """Review the bursts that were found, too."""
        if self.review:
            self.review.add(bursts)
            self.listing, self.has_bursts = listing, True

    def switch_library(self, library: str) -> None:
        """Continue with another library."""
        self._end_review()
        self.settings = replace(self.settings, library=library)
        self.search_session = SearchSession(self.settings)

    @staticmethod
    def has_libraries() -> bool:
        """Whether there is any library in the user's data folder."""
        return bool(library_names())

    def overviews(self) -> list[Overview]:
        """All libraries: the current one first, then those in the user's data folder."""
        names = dict.fromkeys([self.settings.library, *library_names()])
        return [overview(replace(self.settings, library=name)) for name in names]

    def index(
        self, folders: Iterable[str], progress: Progress, cancel: CancelToken, library: str = ""
    ) -> RefreshResult:
        """Index the current library, or another one; see `vtsfind.engine.indexing.update.update`."""
        settings = replace(self.settings, library=library) if library else self.settings
        return update(Context(settings, progress=progress, cancel=cancel), folders)

    def propose(self) -> "Proposal":
        """The plan of what the review has accepted; see `vtsfind.engine.review.proposal.propose`."""
        from vtsfind.engine.review.proposal import propose

        return propose(self.review or Review(()), self.place, COMMAND, complete=self.has_bursts)

    def apply(self, proposal: "Proposal", progress: Progress, cancel: CancelToken) -> "ApplyResult":
        """Apply a plan; see `vtsfind.engine.apply.apply.apply`."""
        from vtsfind.engine.apply.apply import apply

        monitor = Monitor(progress=progress, cancel=cancel)
        return apply(proposal.plan, command=COMMAND, monitor=monitor)

    def settle_applied(self, result: "ApplyResult") -> None:
        """Note that files were removed: photos that stay are not asked about again, one that comes back is."""
        if self.review is not None:
            self.review.settle({step.operation.path for step in result.of(State.DONE)})

    def write_plan(self, proposal: "Proposal", path: Path) -> None:
        """Write a plan to a text file that can be edited.

        Raises
        ------
        UsageError
            If the file exists.
        DiskFull
            If it cannot be written.
        """
        from vtsfind.engine.apply.plans import save_plan

        if path.exists():
            raise UsageError(f"{path} already exists.", "Choose another name.")
        save_plan(proposal.plan, path, self.settings)

    @staticmethod
    def last_run_change() -> int:
        """When the journal changed last, in nanoseconds; 0 while a run is active, or if there was none."""
        try:
            changed = {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(places().journal)}
        except OSError:  # there is no journal yet, or a run ended meanwhile
            return 0
        return 0 if ACTIVE_RUN_NAME in changed else max(changed.values(), default=0)

    @staticmethod
    def runs() -> "list[RunRecord]":
        """The runs in the journal, newest first.

        Raises
        ------
        StorageError
            If the journal cannot be read.
        """
        from vtsfind.engine.apply.undo import history

        return history()[::-1]

    def close(self) -> None:
        """Stop the decoding processes and close the review. A second call does nothing."""
        self.previews.close()
        self._end_review()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end_review(self) -> None:
        self.review = self.listing = None
        with self._lock:
            if self._steps:
                self._steps.close()
                self._steps = None


def overview(settings: Settings) -> Overview:
    """The state of the library that the settings name."""
    name, place = settings.library, library_place(settings)
    try:
        with open_library(settings) as index:
            roots = tuple(index.roots())
            missing_or_empty = tuple(root for root in roots if is_missing_or_empty(root))
            return Overview(
                name, place, present_counts(index), index.signature.model, roots, missing_or_empty
            )
    except LibraryMissing:
        return Overview(name, place, error="not indexed yet")
    except StorageError as error:
        return Overview(name, place, error=str(error))


def find_groups(context: Context, dedup_options: DedupOptions) -> Sequence[Group]:
    """The groups of duplicates of the library that the context names."""
    from vtsfind.engine.duplicates.pipeline import duplicates

    return duplicates(context, dedup_options).groups


def _first_view(kinds: frozenset[Verdict]) -> GroupView:
    """The view that shows the kinds that the user asked for."""
    if Verdict.BURST not in kinds:
        return GroupView.COPIES
    return GroupView.BURSTS if len(kinds) == 1 else GroupView.ALL


def error_message(error: Exception) -> str:
    """An error for people."""
    return str(error) if isinstance(error, VtsfindError) else f"{type(error).__name__}: {error}"
