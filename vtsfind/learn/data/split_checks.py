"""Checks of a split and its labels, before anything is trained or measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from vtsfind.base.errors import UsageError
from vtsfind.base.words import counted
from vtsfind.learn.data.formats.pictures import Labels, RowNumbers


class Fault(StrEnum):
    """A kind of fault; the value describes it."""

    LABEL_RANGE = "labels other than 0 and 1"
    ROW_RANGE = "row numbers of no picture"
    ONE_CLASS = "fewer than two classes"
    TOO_FEW = "fewer pictures than needed"
    QUERY_IN_DATABASE = "queries inside the database"
    QUERY_IN_TRAIN = "queries inside the training set"
    REPEATED = "repeated rows"
    UNLABELLED = "pictures without a label"
    NO_RELEVANT = "queries without anything relevant in the database"
    OTHER_SIZE = "another number of pictures than the protocol's"
    TRAIN_IN_DATABASE = "training pictures inside the database, or outside, against the protocol"
    NOT_SAVED = "a split that could not be kept in a file"


@dataclass(frozen=True, slots=True)
class SplitFinding:
    """A fault."""

    fault: Fault
    count: int
    """Pictures, queries, rows or classes concerned."""
    detail: str
    """The finding in a sentence, with what was done about it."""
    fatal: bool = False
    """Whether the data cannot be used so."""

    def __str__(self) -> str:
        return self.detail


@dataclass(frozen=True, slots=True)
class ExpectedSplit:
    """The properties that a protocol promises; None where it promises nothing."""

    sizes: Mapping[str, int | None]
    """Pictures of `train`, `query` and `database`."""
    train_in_database: bool | None = None
    keep_queries: bool = False
    """Whether queries inside the database stay there, as published lists have them."""


def check_split(
    labels: Labels, parts: Mapping[str, RowNumbers], expected: ExpectedSplit
) -> tuple[dict[str, RowNumbers], tuple[SplitFinding, ...]]:
    """Clean the parts of a split, and report the findings.

    Repeated rows of a part are removed, and so are queries from the database unless they are to be kept; everything else
    stays.

    Parameters
    ----------
    labels
        (n, c), of all pictures.
    parts
        Row numbers, (m,) int64, of `train`, `query` and `database`.
    expected
        The properties that the protocol promises.

    Returns
    -------
    The cleaned parts, and the findings. If one of these is fatal, the parts must not be used.
    """
    fatal = [*_check_labels(labels), *_check_row_numbers(labels, parts)]
    if fatal:
        return dict(parts), tuple(fatal)
    cleaned, findings = _without_duplicates(parts)
    queries = np.isin(cleaned["database"], cleaned["query"])
    if queries.any():
        count = int(queries.sum())
        done = "removed from it"
        if expected.keep_queries:
            done = "kept there, so that each finds itself"
        else:
            cleaned["database"] = cleaned["database"][~queries]
        message = f"The database contains {counted(count, 'query', 'queries')}, {done}."
        findings.append(SplitFinding(Fault.QUERY_IN_DATABASE, count, message))
    findings += _check_sizes(cleaned, expected)
    findings += _check_overlap(cleaned, expected)
    findings += _check_relevance(labels, cleaned)
    return cleaned, tuple(findings)


def raise_if_fatal(findings: tuple[SplitFinding, ...], what: str) -> None:
    """Raise an error if a finding is fatal.

    Parameters
    ----------
    findings
        All findings.
    what
        The name of the data in the message.

    Raises
    ------
    UsageError
        With every fatal finding in its message.
    """
    fatal = [finding.detail for finding in findings if finding.fatal]
    if fatal:
        raise UsageError(f"{what} cannot be used: {' '.join(fatal)}", "Correct the data, or choose others.")


def too_small_classes(numbers: RowNumbers, classes: tuple[str, ...], needed: int) -> tuple[SplitFinding, ...]:
    """Find the classes that have too few pictures for a split.

    Parameters
    ----------
    numbers
        Class of every picture, (n,).
    classes
        Names of the classes.
    needed
        Pictures that every class must have.
    """
    counts = np.bincount(numbers, minlength=len(classes))
    return tuple(
        SplitFinding(
            Fault.TOO_FEW,
            int(count),
            f"The class '{name}' has {counted(count, 'picture')}, and needs {needed:,}.",
            fatal=True,
        )
        for name, count in zip(classes, counts, strict=True)
        if count < needed
    )


def _check_labels(labels: Labels) -> list[SplitFinding]:
    wrong = int(((labels != 0) & (labels != 1)).any(axis=1).sum())
    if wrong:
        message = f"Found labels other than 0 and 1 in {counted(wrong, 'picture')}."
        return [SplitFinding(Fault.LABEL_RANGE, wrong, message, fatal=True)]
    classes = int(labels.any(axis=0).sum())
    if classes < 2:
        message = f"All pictures are of {'one class' if classes else 'no class'}, so that there is nothing to tell apart."
        return [SplitFinding(Fault.ONE_CLASS, classes, message, fatal=True)]
    return []


def _check_row_numbers(labels: Labels, parts: Mapping[str, RowNumbers]) -> list[SplitFinding]:
    found = []
    for name, rows in parts.items():
        wrong = int(((rows < 0) | (rows >= len(labels))).sum())
        if wrong:
            message = f"Found no picture for {counted(wrong, 'row')} of the {_PART_NAMES[name]}."
            found.append(SplitFinding(Fault.ROW_RANGE, wrong, message, fatal=True))
    return found


_PART_NAMES = {"train": "training set", "query": "queries", "database": "database"}


def _without_duplicates(parts: Mapping[str, RowNumbers]) -> tuple[dict[str, RowNumbers], list[SplitFinding]]:
    cleaned, findings = {}, []
    for name, rows in parts.items():
        first = np.sort(np.unique(rows, return_index=True)[1])
        cleaned[name] = rows[first]
        count = len(rows) - len(first)
        if count:
            findings.append(repeated(name, count))
    return cleaned, findings


def repeated(part: str, count: int) -> SplitFinding:
    """The finding that `count` repeated rows of a part were removed."""
    return SplitFinding(
        Fault.REPEATED, count, f"Left out {counted(count, 'repeated row')} of the {_PART_NAMES[part]}."
    )


def _check_sizes(parts: Mapping[str, RowNumbers], expected: ExpectedSplit) -> list[SplitFinding]:
    found = []
    for name, rows in parts.items():
        wanted = expected.sizes.get(name)
        if not len(rows):
            message = f"There are no pictures for the {_PART_NAMES[name]}."
            found.append(SplitFinding(Fault.TOO_FEW, 0, message, fatal=True))
        elif wanted is not None and wanted != len(rows):
            message = (
                f"There are {len(rows):,} pictures for the {_PART_NAMES[name]}, where the protocol has {wanted:,}: "
                "figures do not compare."
            )
            found.append(SplitFinding(Fault.OTHER_SIZE, len(rows), message))
    return found


def _check_overlap(parts: Mapping[str, RowNumbers], expected: ExpectedSplit) -> list[SplitFinding]:
    found = []
    count = int(np.isin(parts["train"], parts["query"]).sum())
    if count:
        message = (
            f"{count:,} training pictures are queries, too, and stay there: results on them mean little."
        )
        found.append(SplitFinding(Fault.QUERY_IN_TRAIN, count, message))
    inside = int(np.isin(parts["train"], parts["database"]).sum())
    if expected.train_in_database is False and inside:
        message = f"{inside:,} training pictures are in the database, where the protocol has none."
        found.append(SplitFinding(Fault.TRAIN_IN_DATABASE, inside, message))
    outside = len(parts["train"]) - inside
    if expected.train_in_database and outside:
        message = f"{outside:,} training pictures are not in the database, where the protocol has all."
        found.append(SplitFinding(Fault.TRAIN_IN_DATABASE, outside, message))
    return found


def _check_relevance(labels: Labels, parts: Mapping[str, RowNumbers]) -> list[SplitFinding]:
    found = []
    for name, rows in parts.items():
        count = int((~labels[rows].any(axis=1)).sum())
        if count:
            message = f"Found no label for {counted(count, 'picture')} of the {_PART_NAMES[name]}."
            found.append(SplitFinding(Fault.UNLABELLED, count, message))
    shown = labels[parts["database"]].any(axis=0)
    count = int((~(labels[parts["query"]].astype(bool) & shown).any(axis=1)).sum())
    if count:
        message = f"Found nothing relevant in the database for {counted(count, 'query', 'queries')}; each counts as zero."
        found.append(SplitFinding(Fault.NO_RELEVANT, count, message))
    return found
