"""The review of a library on a server, which several people do at the same time."""

from collections.abc import Iterable

from vtsfind.base.addresses import Place, ServerAddress
from vtsfind.engine.review.session_log import SavedSteps, parse_decision
from vtsfind.engine.review.state import Marks, ReviewStep, StepOutdated
from vtsfind.store.postgres.marks import SharedMarks


class SharedSteps:
    """A `StepLog` on a server: what counts is the latest decision about each group, whoever made it.

    A decision about a group that somebody else has changed meanwhile is refused, and the other one is shown, so that none is
    lost unseen. Undo goes back over the steps of this session.
    """

    def __init__(self, address: ServerAddress) -> None:
        self._marks = SharedMarks(address)

    def steps(self) -> Iterable[ReviewStep]:
        """None: `news` tells of all decisions from now on."""
        self._marks.rewind()
        return ()

    def append(self, step: ReviewStep) -> None:
        """Store the decisions of a step, if nobody else decided meanwhile."""
        other = self._marks.change(step.after)
        if other:
            raise StepOutdated(
                f"{other} decided about this group a moment ago.",
                "Nothing was changed; what is shown now is their decision.",
            )

    def news(self) -> Marks:
        """What others decided since the last call."""
        return {key: parse_decision(stored) for key, stored in self._marks.news().items()}

    def has_news(self) -> bool:
        """Whether `news` may tell of something; it may be asked from another thread."""
        return self._marks.has_news()

    def look(self, key: str) -> tuple[str, ...]:
        """Tell others which group is looked at; gives who else looks at it."""
        return self._marks.look(key)

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._marks.close()


def open_steps(place: Place) -> SavedSteps | SharedSteps:
    """The steps of the review of a library; errors are those of the two classes."""
    return SharedSteps(place) if isinstance(place, ServerAddress) else SavedSteps(place)
