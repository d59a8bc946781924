"""Whether everything that vtsfind relies on is as it should be: the library, its model, the picture formats."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from vtsfind.base.addresses import Place
from vtsfind.base.errors import (
    LibraryDamaged,
    LibraryMissing,
    LibraryTooNew,
    ModelMismatch,
    StorageError,
    UsageError,
)
from vtsfind.base.paths import show_path
from vtsfind.base.records import Failure
from vtsfind.base.settings import Settings, local_folder
from vtsfind.base.words import counted
from vtsfind.engine.library.access import card_named, card_of, library_place, open_library
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.library.removed import present_counts
from vtsfind.media.scan import is_missing_or_empty
from vtsfind.store import evidence_file
from vtsfind.store.database import Counts
from vtsfind.store.library import Library, rescue_library

Severity = Literal["must", "should", "note"]
"""`must`: it has to be put right; `should`: it costs only space or time; `note`: worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be, or worth knowing."""

    severity: Severity
    message: str
    remedy: str = ""


@dataclass(slots=True)
class Diagnosis:
    """The state of a library and of what vtsfind needs."""

    place: Place
    """Of the library, whether it is there or not."""
    counts: Counts | None = None
    """How much is in it, without what runs removed since it was indexed; None if it cannot be opened."""
    removed: int = 0
    """Files that runs removed since the library was indexed."""
    model: str = ""
    """The library's model, or the one that a new library would get."""
    findings: list[Finding] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    """Files that could not be used when they were last tried."""
    formats: dict[str, bool] = field(default_factory=dict)
    """Picture formats, and whether they can be read here."""
    is_missing: bool = False
    """Whether there is no library."""

    @property
    def sound(self) -> bool:
        """Whether nothing has to be put right."""
        return all(finding.severity != "must" for finding in self.findings)


def examine(settings: Settings, *, deep: bool = False) -> Diagnosis:
    """Check the library that the settings name, its model, and the formats. Changes nothing.

    Parameters
    ----------
    settings
        Name the library.
    deep
        Read all of the library, instead of its structure only.
    """
    from vtsfind.media.formats import formats

    diagnosis = Diagnosis(library_place(settings), formats=formats())
    try:
        index = open_library(settings)
    except LibraryMissing as error:
        diagnosis.is_missing = True
        diagnosis.findings.append(Finding("note", error.message, error.remedy))
        diagnosis.findings += _model_findings(settings, None)
    except (LibraryDamaged, LibraryTooNew) as error:
        diagnosis.findings.append(Finding("must", error.message, error.remedy))
    else:
        with index:
            _examine_library(diagnosis, index, deep=deep)
            diagnosis.findings += _model_findings(settings, index)
    diagnosis.findings += _decision_findings()
    return diagnosis


def _decision_findings() -> Iterator[Finding]:
    """Whether all that the user decided is known."""
    try:
        known_decisions()
    except StorageError as error:
        yield Finding("must", error.message, error.remedy)


def repair(settings: Settings) -> list[str]:
    """Put right what can be put right in the library and in the file of decisions; gives sentences on what was done.

    Raises
    ------
    LibraryLocked, LibraryTooNew, DiskFull
    """
    report = []
    decisions = known_decisions(intact=False)
    if decisions.damaged:
        report.append(
            f"Left {counted(len(decisions.damaged), 'damaged decision')} out;"
            f" their file is kept as it was in {decisions.set_damage_aside()}."
        )
    place = library_place(settings)
    try:
        report += rescue_library(place)
    except LibraryMissing:
        return report
    folder = local_folder(place)
    if evidence_file.find_problem(folder, deep=True):
        evidence_file.discard(folder)
        report.append("Removed the damaged cache of earlier results; the next search computes them again.")
    return report


def _examine_library(diagnosis: Diagnosis, index: Library, *, deep: bool) -> None:
    diagnosis.model = index.signature.model
    problems = index.check(deep=deep)
    diagnosis.findings += [
        Finding(problem.severity, problem.message, "`vtsfind doctor --repair` mends it.")
        for problem in problems
    ]
    cache_problem = evidence_file.find_problem(index.folder, deep=deep)
    if cache_problem:
        diagnosis.findings.append(
            Finding(
                "should",
                f"The cache {index.folder / evidence_file.NAME} is damaged: {cache_problem}.",
                "`vtsfind doctor --repair` removes it; the next search computes its content again.",
            )
        )
    try:
        diagnosis.counts = present_counts(index)
        diagnosis.removed = index.counts().files - diagnosis.counts.files
        diagnosis.failures = index.failures()
        for root in index.roots():
            if is_missing_or_empty(root):
                diagnosis.findings.append(
                    Finding(
                        "note",
                        f"The folder {show_path(root)} is missing or empty.",
                        "If its photos are gone for good, `vtsfind index --forget-missing` forgets them.",
                    )
                )
    except LibraryDamaged as error:
        if not problems:
            diagnosis.findings.append(Finding("must", error.message, error.remedy))


def _model_findings(settings: Settings, index: Library | None) -> Iterator[Finding]:
    """Whether the model's weights are there and whole."""
    try:
        card = card_of(index) if index else card_named(settings.model)
        card.verify()
    except ModelMismatch as error:  # what is indexed can be searched without it
        yield Finding("should", error.message, error.remedy)
    except (StorageError, UsageError) as error:
        yield Finding("must", error.message, error.remedy)
