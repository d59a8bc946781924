"""Models, as text or JSON."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtsfind.base.paths import path_fields
from vtsfind.base.words import file_size
from vtsfind.engine.library.models import Model
from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.ndjson import NdjsonWriter
from vtsfind.report.streams import Output

if TYPE_CHECKING:
    from vtsfind.learn.pretrained.importing import StartWeights


def write_list(output: Output, models: Sequence[Model], *, json: bool) -> None:
    """Write one line per model."""
    if json:
        lines = NdjsonWriter(output, schema.MODELS_LIST)
        for model in models:
            lines.write("model", _fields(model))
        lines.footer(models=len(models))
        return
    if not models:
        return
    rows = [["name", "heads", "size", "licence", ""]]
    for model in models:
        card = model.card
        heads = ", ".join(f"{head.name} {head.bits} bits" for head in card.network.heads)
        rows.append([card.name, heads, _size(model), card.licence, "default" if card.default else ""])
    for line in table(rows, right=[2]):
        output.line(line)


def write_one(
    output: Output, model: Model, *, json: bool, stream: schema.Stream = schema.MODELS_SHOW
) -> None:
    """Write all facts about a model; `stream` is that of the command."""
    if json:
        lines = NdjsonWriter(output, stream)
        lines.write("model", _fields(model))
        lines.footer(models=1)
        return
    card = model.card
    rows = [
        ["name", card.name + (" (default)" if card.default else "")],
        ["heads", ", ".join(f"{head.name} ({head.bits} bits)" for head in card.network.heads)],
        ["backbone", f"{_backbones(model)}, input {card.preprocessing.size} pixels"],
        ["file", os.fspath(card.path)],
        ["size", _size(model)],
        ["SHA-256", card.sha256 + {None: "", "": " (verified)"}.get(model.damage, " (WRONG)")],
        ["fingerprint", card.signature.fingerprint],
        ["licence", card.licence],
        ["recipe", card.recipe],
        ["note", card.note],
        *([f"metric {name}", f"{value}"] for name, value in card.metrics.items()),
    ]
    for line in table([row for row in rows if row[1]]):
        output.line(line)


def write_start(output: Output, start: "StartWeights", *, json: bool) -> None:
    """Write all facts about imported start weights."""
    if json:
        lines = NdjsonWriter(output, schema.MODELS_IMPORT_START)
        lines.write(
            "start",
            path_fields(os.fsencode(start.path), "file"),
            backbone=start.backbone,
            weights=start.weights,
            size=start.size,
            sha256=start.sha256,
        )
        lines.footer(starts=1)
        return
    rows = [
        ["start weights", start.path.name],
        ["backbone", start.backbone],
        ["weights", f"{start.weights:,}"],
        ["file", os.fspath(start.path)],
        ["size", file_size(start.size)],
        ["SHA-256", start.sha256],
        ["in a recipe", f'start = "{start.path.name}"'],
    ]
    for line in table(rows):
        output.line(line)


def _backbones(model: Model) -> str:
    network = model.card.network
    return f"{network.backbone} and {network.second.backbone}" if network.second else network.backbone


def _size(model: Model) -> str:
    return "missing" if model.size is None else file_size(model.size)


def _fields(model: Model) -> dict[str, Any]:
    card = model.card
    return {
        "name": card.name,
        "default": card.default,
        "heads": {head.name: head.bits for head in card.network.heads},
        "backbone": _backbones(model),
        "input": card.preprocessing.size,
        **path_fields(os.fsencode(card.path), "file"),
        "size": model.size,
        "sha256": card.sha256,
        "damage": model.damage,
        "fingerprint": card.signature.fingerprint,
        "licence": card.licence,
        "metrics": dict(card.metrics),
    }
