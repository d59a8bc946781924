"""Several people decide and review in one library: nothing is lost, and everyone sees it."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Barrier

import pytest
from support.block_encoder import SIGNATURE as SIGNATURE_OF_BLOCKS
from support.block_encoder import BlockModel
from support.drawn_photos import encoded, scene
from support.entries import SIGNATURE, digest
from support.made_groups import many
from support.output import Vtsfind
from support.tui_driver import Hand, drive

from vtsfind.base.addresses import ServerAddress, server_address
from vtsfind.base.errors import StorageError
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.changes import select
from vtsfind.engine.indexing.refresh import RefreshResult, refresh
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.review.encoding import group_key
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.shared_log import SharedSteps
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.store.decisions import Decision, DecisionKind, ordered_pair
from vtsfind.store.library import create_library, open_library
from vtsfind.store.postgres.decisions import SharedDecisions
from vtsfind.tui.screens.groups import GroupsPage


@pytest.fixture
def address(database: str) -> ServerAddress:
    address = server_address(database)
    create_library(address, SIGNATURE).close()
    return address


def test_decisions_are_seen_by_everyone_and_none_is_lost(address: ServerAddress) -> None:
    ann, bob = SharedDecisions(address), SharedDecisions(address)
    pair, other = ordered_pair(digest(1), digest(2)), ordered_pair(digest(3), digest(4))
    assert ann.add(DecisionKind.NOT_DUPLICATE, [pair]) == 1
    assert bob.add(DecisionKind.NOT_DUPLICATE, [pair, other]) == 1, "Ann's decision is in force already"
    assert bob.add(DecisionKind.FORGET, [pair]) == 1
    assert ann.is_excluded(*pair), "Ann has not looked since"
    assert ann.add(DecisionKind.NOT_DUPLICATE, [pair]) == 1, "what Bob took back is decided again"
    assert {each.pair for each in SharedDecisions(address)} == {pair, other}
    assert {each.pair for each in known_decisions(address)} == {pair, other}


def test_a_later_decision_wins_although_a_clock_is_ahead(address: ServerAddress) -> None:
    pair = ordered_pair(digest(1), digest(2))
    ahead = Decision(DecisionKind.KEEP_BOTH, *pair, "2999-01-01T00:00:00Z")
    ann = SharedDecisions(address)
    assert ann.merge([ahead]) == 1
    assert ann.merge([ahead]) == 0
    assert SharedDecisions(address).add(DecisionKind.NOT_DUPLICATE, [pair]) == 1
    assert SharedDecisions(address).choice(*pair) is DecisionKind.NOT_DUPLICATE


def test_the_commands_use_the_librarys_decisions(
    run: Vtsfind, address: ServerAddress, tmp_path: Path
) -> None:
    names = [digest(1).hex(), digest(2).hex()]
    assert run("decisions", "add", "keep-both", *names, "--library", address).exit_code == 0
    assert names[0] in run("decisions", "list", "--library", address).stdout
    assert names[0] not in run("decisions", "list").stdout, "the user's own are others"
    exported = tmp_path / "decisions.ndjson"
    exported.write_bytes(run("decisions", "export", "--library", address).stdout_bytes)
    assert run("decisions", "import", exported).exit_code == 0
    assert names[0] in run("decisions", "list").stdout
    assert run("decisions", "forget", "--all", "--library", address).exit_code == 0
    assert names[0] not in run("decisions", "list", "--library", address).stdout


@pytest.fixture
def join(address: ServerAddress) -> Iterator[Callable[[], SharedSteps]]:
    """Join the review; every session ends with the test."""
    with ExitStack() as sessions:
        yield lambda: sessions.enter_context(closing(SharedSteps(address)))


def test_reviewers_see_each_others_marks(join: Callable[[], SharedSteps]) -> None:
    groups, bobs = many(3), join()
    ann, bob = Review(groups, join()), Review(groups, bobs)
    ann.accept(0)
    assert bobs.has_news()
    assert bob.take(bobs.news()) == [0]
    assert bob.decision(0).status is ReviewStatus.ACCEPTED
    bob.refuse(0)
    later = Review(groups, join())
    assert later.decision(0).status is ReviewStatus.REFUSED
    assert later.totals.decided == 1


def test_no_decision_is_overwritten_unseen(join: Callable[[], SharedSteps]) -> None:
    ann, bob = Review(many(3), join()), Review(many(3), join())
    ann.accept(1)
    with pytest.raises(StorageError, match="decided about this group a moment ago"):
        bob.refuse(1)
    assert bob.decision(1).status is ReviewStatus.ACCEPTED, "Ann's decision is shown"
    bob.refuse(1)
    assert bob.decision(1).status is ReviewStatus.REFUSED
    with pytest.raises(StorageError, match="a moment ago"):
        ann.undo()
    assert ann.decision(1).status is ReviewStatus.REFUSED


def test_many_groups_are_accepted_in_one_step_and_undone(join: Callable[[], SharedSteps]) -> None:
    groups, bobs = many(200), join()
    ann, bob = Review(groups, join()), Review(groups, bobs)
    accepted = ann.accept_all(range(200))
    assert accepted > 100
    assert len(bob.take(bobs.news())) == accepted
    assert bob.totals == ann.totals
    ann.undo()
    assert len(bob.take(bobs.news())) == accepted
    assert bob.totals.decided == 0


def test_who_looks_at_a_group_is_seen_until_they_leave(join: Callable[[], SharedSteps]) -> None:
    ann, bob = join(), join()
    assert ann.look("a" * 20) == ()
    (name,) = bob.look("a" * 20)
    assert "@" in name
    assert bob.look("b" * 20) == ()
    assert ann.look("a" * 20) == ()
    assert ann.look("b" * 20) == (name,)
    bob.close()
    for _ in range(100):  # the server forgets a closed connection a moment later
        if ann.look("b" * 20) == ():
            break
    assert ann.look("b" * 20) == ()


def test_the_terminal_shows_what_others_do(address: ServerAddress, join: Callable[[], SharedSteps]) -> None:
    groups = many(12)

    async def script(hand: Hand) -> None:
        number = hand.groups.group
        assert number is not None
        page, bobs = hand.page(GroupsPage), join()
        assert "looks at it too" not in hand.text
        bobs.look(group_key(groups[number]))
        page._ask_for_others()
        await hand.settle()
        assert "looks at it too" in hand.text
        bob = Review(groups, bobs)
        bob.refuse(number)
        await hand.press("a")
        assert any("decided about this group a moment ago" in note for note in hand.told)
        assert hand.review.decision(number).status is ReviewStatus.REFUSED
        bob.accept(number)
        page._ask_for_others()
        await hand.settle()
        assert hand.review.decision(number).status is ReviewStatus.ACCEPTED
        await hand.press("left", "n")
        assert bob.take(bobs.news()) == [number]
        assert bob.decision(number).status is ReviewStatus.REFUSED
        page.app.load_groups()  # type: ignore[attr-defined]
        await hand.finish()
        assert hand.review.decision(number).status is ReviewStatus.REFUSED, "found again, the marks are there"

    drive(groups, script, settings=Settings(library=str(address), workers=1))
    assert list(SharedDecisions(address)), "what is no duplicate is a decision of the library"


def test_two_runs_of_index_share_the_photos(database: str, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(60):
        (photos / f"{i}.jpg").write_bytes(encoded(scene(i)))
        os.utime(photos / f"{i}.jpg", (1_600_000_000 + i, 1_600_000_000 + i))
    create_library(server_address(database), SIGNATURE_OF_BLOCKS).close()
    ready = Barrier(2)

    def index() -> RefreshResult:
        with open_library(server_address(database), write=True) as library:
            selection = select([str(photos)], (), ())
            context = Context(Settings(workers=1, batch=4))
            ready.wait()
            return refresh(library, selection, BlockModel(), context)

    with ThreadPoolExecutor(2) as executor:
        results = [future.result() for future in [executor.submit(index) for _ in range(2)]]
    assert [result.failures for result in results] == [[], []]
    assert sum(result.new for result in results) == 60, "each photo was read by one of them"
    assert all(result.photos == 60 for result in results), "both know of all"
    with open_library(server_address(database)) as library:
        assert library.counts().files == library.counts().contents == 60
