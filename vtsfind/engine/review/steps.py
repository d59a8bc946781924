"""The steps of a review: stored one by one, undone from the last one on, and replayed. They know groups by their keys only."""

from dataclasses import dataclass, field

from vtsfind.base.errors import UsageError
from vtsfind.engine.review.state import SETTLED, EncodedDecision, Marks, ReviewStep, StepLog


@dataclass(frozen=True, slots=True)
class _UndoableStep:
    """A step that can be undone: its label, and the decisions before it."""

    label: str
    before: dict[str, EncodedDecision | None] = field(hash=False)


class ReviewSteps:
    """What was decided so far, and the steps that led there.

    Parameters
    ----------
    log
        Where steps are stored; the steps in it are replayed.

    Methods that store a step raise `StorageError` if that fails; then nothing has changed.
    """

    def __init__(self, log: StepLog) -> None:
        self._log = log
        self._undoable: list[_UndoableStep] = []
        self.decisions: dict[str, EncodedDecision] = {}
        """By the key of the group; groups that are as proposed are not in it."""
        for step in log.steps():
            if not step.undoes:
                self._do(step.label, step.after)
            elif self._undoable:
                self._update(self._undoable.pop().before)

    @property
    def has_any(self) -> bool:
        """Whether there are decisions, or steps that can be undone."""
        return bool(self.decisions or self._undoable)

    def record(self, label: str, after: Marks) -> None:
        """Store a step that leads to some decisions."""
        self._log.append(ReviewStep(label, after))
        self._do(label, after)

    def undo(self) -> tuple[str, Marks]:
        """Undo the last step; returns its label and the decisions before it.

        Raises
        ------
        UsageError
            If there is none.
        """
        if not self._undoable:
            raise UsageError(
                "There is no decision to undo.", "Photos that were removed come back in History (F6)."
            )
        done = self._undoable[-1]
        self._log.append(ReviewStep(done.label, done.before, undoes=True))
        self._undoable.pop()
        self._update(done.before)
        return done.label, done.before

    def news(self) -> Marks:
        """What others decided since the last call; `take` makes it count."""
        return self._log.news()

    def take(self, news: Marks) -> None:
        """Take over what others decided. Own steps about the same groups can no longer be undone."""
        self._undoable = [step for step in self._undoable if not news.keys() & step.before.keys()]
        self._update(news)

    def _do(self, label: str, after: Marks) -> None:
        if label == SETTLED:
            self._undoable.clear()
        else:
            self._undoable.append(_UndoableStep(label, {key: self.decisions.get(key) for key in after}))
        self._update(after)

    def _update(self, after: Marks) -> None:
        for key, encoded in after.items():
            if encoded is None:
                self.decisions.pop(key, None)
            else:
                self.decisions[key] = encoded
