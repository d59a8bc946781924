"""Comparing records with what is documented of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from vtsfind.report.schema import HEADER, Field, Stream


def undocumented(stream: Stream, record: Mapping[str, Any]) -> list[str]:
    """What a record has beside its documented fields, and what it lacks of them; empty if it is as documented."""
    kind = record["type"]
    kinds = {"header": (*HEADER, *stream.header), "footer": stream.footer, **dict(stream.records)}
    if kind not in kinds:
        return [f"{stream.command}: no record '{kind}' is documented"]
    rest = {name: value for name, value in record.items() if name != "type"}
    return [f"{stream.command} {kind}: {problem}" for problem in _problems(kinds[kind], rest)]


def _problems(fields: tuple[Field, ...], record: Mapping[str, Any]) -> Iterator[str]:
    known = {field.name: field for field in fields}
    twins = {f"{field.name}_b64" for field in fields if field.path}
    for name in set(record) - set(known) - twins:
        yield f"'{name}' is not documented"
    for name, field in known.items():
        if name not in record:
            if not field.optional:
                yield f"'{name}' is missing"
            continue
        value = record[name]
        if field.fields and value is not None:
            for each in value if isinstance(value, list | tuple) else [value]:
                yield from (f"{name}: {problem}" for problem in _problems(field.fields, each))
