"""An evaluated model as a cell of a table: what `vtsfind train` made, measured by `vtsfind eval`."""

from datetime import UTC, datetime

from vtsfind.base.errors import UsageError
from vtsfind.learn.evaluation.evaluator import Evaluation
from vtsfind.learn.paper.grid import command, score_fields
from vtsfind.learn.paper.results import FRAMEWORKS, Result, machine


def result_of_evaluation(evaluation: Evaluation) -> Result:
    """Make the result of a cell out of an evaluation.

    Raises
    ------
    UsageError
        When the model was not trained by one method of the tables, so that it belongs in no cell.
    """
    if evaluation.method not in FRAMEWORKS:
        raise UsageError(
            f"The model '{evaluation.model}' was trained by {evaluation.method or 'a method that is not known'}, which is "
            "no cell of a table.",
            f"Cells have one of: {', '.join(FRAMEWORKS)}.",
        )
    split, network = evaluation.split, evaluation.network
    return Result(
        backbone=network.backbone
        + ("" if evaluation.paper else f"@{network.size}")
        + (f"d{network.depth}" if network.depth else ""),
        feature="dual" if network.dual else network.features,
        framework=evaluation.method,
        dataset=evaluation.protocol.name,
        bits=evaluation.head.bits,
        how="end to end",
        mode=evaluation.mode,
        **score_fields(evaluation.scores),
        top=evaluation.protocol.top_k,
        train=len(split.train),
        queries=len(split.query),
        database=len(split.database),
        split_sha256=split.digest,
        data=split.origin,
        findings=tuple(str(finding) for finding in split.findings),
        seed=split.seed or 0,
        fingerprint=evaluation.fingerprint,
        training={
            "model": evaluation.model,
            "weights_sha256": evaluation.sha256,
            "made_on": evaluation.made_on,
        },
        versions=evaluation.versions,
        command=command(),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        machine=machine(),
        seconds=0.0,
        note=f"The state that was kept was chosen on {evaluation.selected_on}."
        if evaluation.selected_on
        else "",
    )
