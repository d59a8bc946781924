"""The results of checking a library and the machine, as text or JSON."""

from collections.abc import Sequence

from vtsfind.base.words import counted, file_size
from vtsfind.engine.library.doctor import Diagnosis
from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.failures import failure_lines
from vtsfind.report.ndjson import NdjsonWriter, library_fields
from vtsfind.report.streams import Notes, Output, Style

_STYLES = {"must": Style.ERROR, "should": Style.WARNING, "note": Style.PLAIN}


def write_diagnosis(output: Output, diagnosis: Diagnosis, repairs: Sequence[str], *, verbose: bool) -> None:
    """Write the results as text."""
    for sentence in repairs:
        output.line(f"repaired: {sentence}")
    counts = diagnosis.counts
    rows = [["library", str(diagnosis.place)]]
    if counts:
        when = f"{counts.indexed.astimezone():%Y-%m-%d %H:%M}" if counts.indexed else "never"
        rows += [
            [
                "photos",
                f"{counted(counts.files, 'file')}, {counted(counts.contents, 'content')}, {file_size(counts.bytes)}",
            ],
            *[["", f"{diagnosis.removed:,} more at the last index, removed by vtsfind since"]]
            * bool(diagnosis.removed),
            ["folders", f"{counts.roots:,}"],
            ["refreshed", when],
        ]
    if diagnosis.model:
        rows.append(["model", diagnosis.model])
    readable = ", ".join(name for name, is_available in diagnosis.formats.items() if is_available)
    rows.append(["formats", readable])
    missing = ", ".join(name for name, is_available in diagnosis.formats.items() if not is_available)
    if missing:
        rows.append(["", f"not available: {missing}"])
    for line in table(rows):
        output.line(line)
    for line in failure_lines(diagnosis.failures, verbose=verbose):
        output.line(f"note: {line}")
    for finding in diagnosis.findings:
        label = output.paint(f"{finding.severity}:", _STYLES[finding.severity])
        output.line(f"{label} {finding.message} {finding.remedy}".rstrip())


def summarize_diagnosis(notes: Notes, diagnosis: Diagnosis) -> None:
    """Summarize the results."""
    number = sum(finding.severity == "must" for finding in diagnosis.findings)
    if number:
        notes.say(f"{counted(number, 'problem')} must be repaired.")
    elif diagnosis.failures:
        unread = counted(len(diagnosis.failures), "file")
        notes.say(f"The library is sound, but without {unread} that could not be read.")
    elif not diagnosis.is_missing:
        notes.say("No problems found.")


def write_records(output: Output, diagnosis: Diagnosis, repairs: Sequence[str]) -> None:
    """Write the results as JSON."""
    lines = NdjsonWriter(output, schema.DOCTOR, model=diagnosis.model, **library_fields(diagnosis.place))
    for sentence in repairs:
        lines.write("repair", message=sentence)
    for finding in diagnosis.findings:
        lines.write("finding", severity=finding.severity, message=finding.message, remedy=finding.remedy)
    for failure in diagnosis.failures:
        lines.failure(failure)
    for name, is_available in diagnosis.formats.items():
        lines.write("format", name=name, readable=is_available)
    counts = diagnosis.counts
    lines.footer(
        sound=diagnosis.sound,
        files=counts.files if counts else None,
        contents=counts.contents if counts else None,
        bytes=counts.bytes if counts else None,
        removed=diagnosis.removed,
        failures=len(diagnosis.failures),
        findings=len(diagnosis.findings),
        repairs=len(repairs),
    )
