"""An evaluated model as a cell of a table: what `vtsfind train` made, measured by `vtsfind eval`."""

from datetime import UTC, datetime

from vtsfind.base.errors import UsageError
from vtsfind.learn.evaluation.evaluator import Evaluation
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.objectives import names
from vtsfind.learn.paper.grid import command, score_fields
from vtsfind.learn.paper.published import is_paper_network
from vtsfind.learn.paper.results import Result, machine


def backbone_label(network: NetworkSpec) -> str:
    """A backbone as results call it: its name, and the size of its input and its depth where they are not the paper's.

    >>> backbone_label(NetworkSpec("vts16", 224, ())), backbone_label(NetworkSpec("vits14", 56, (), depth=8))
    ('vts16', 'vits14@56d8')
    """
    if is_paper_network(network):
        return network.backbone
    return f"{network.backbone}@{network.size}" + (f"d{network.depth}" if network.depth else "")


def feature_label(network: NetworkSpec) -> str:
    """What the heads of a network read, as results call it."""
    return "dual" if network.dual else network.features


def result_of_evaluation(evaluation: Evaluation) -> Result:
    """Make the result of a cell out of an evaluation.

    Raises
    ------
    UsageError
        When the model was not trained by one method alone, so that it belongs in no cell.
    """
    if evaluation.method not in names():
        raise UsageError(
            f"The model '{evaluation.model}' was trained by {evaluation.method or 'a method that is not known'}, which is "
            "no cell of a table.",
            f"Cells have one of: {', '.join(names())}.",
        )
    split, network = evaluation.split, evaluation.network
    return Result(
        backbone=backbone_label(network),
        feature=feature_label(network),
        framework=evaluation.method,
        dataset=evaluation.protocol.name,
        bits=evaluation.head.bits,
        how="end to end",
        mode=evaluation.mode,
        **score_fields(evaluation.scores),
        top=evaluation.top,
        train=len(split.train),
        queries=len(split.query),
        database=len(split.database),
        split_sha256=split.digest,
        data=split.origin,
        findings=tuple(str(finding) for finding in split.findings),
        seed=split.seed or evaluation.seed or 0,
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
