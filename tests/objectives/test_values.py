"""Every objective against plain loops over numbers, written from the formulas, and against published-form figures."""

import json
from collections.abc import Callable
from math import cosh, exp, log, log1p, sqrt, tanh
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from vtsfind.learn.objectives import create
from vtsfind.learn.objectives.pairs import cauchy_loss, cross_entropy, log_cosh, share_label

Row = list[float]
Terms = dict[str, float]

BITS, CLASSES, ROWS = 16, 4, 9
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "hashing_golden.json").read_text())
INPUTS, EXPECTED = GOLDEN["inputs"], GOLDEN["expected"]


def dot(a: Row, b: Row) -> float:
    return sum((x * y for x, y in zip(a, b, strict=True)), 0.0)


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def softplus(x: float) -> float:
    return max(x, 0.0) + log1p(exp(-abs(x)))


def sign(x: float) -> float:
    return float(np.sign(x))


def cosine(a: Row, b: Row) -> float:
    return dot(a, b) / sqrt(dot(a, a) * dot(b, b))


def numbers(terms: dict[str, torch.Tensor]) -> Terms:
    return {name: float(value.detach()) for name, value in terms.items()}


class Past:
    """What was seen so far: row to activated outputs and labels."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.seen: dict[int, tuple[Row, Row]] = {}

    def pairs(self, u: list[Row], y: list[Row], rows: list[int]) -> list[tuple[Row, Row, Row, Row]]:
        """Outputs and labels of both sides of every pair that counts, after the batch is seen."""
        self.seen |= {row: (a, b) for row, a, b in zip(rows, u, y, strict=True)}
        if self.mode == "paper":
            never = ([0.0] * BITS, [0.0] * CLASSES)
            others = [(row, self.seen.get(row, never)) for row in range(ROWS)]
        else:
            others = list(self.seen.items())
        return [
            (a, b, *other)
            for a, b, row in zip(u, y, rows, strict=True)
            for place, other in others
            if self.mode == "paper" or place != row
        ]


def batch_pairs(u: list[Row], y: list[Row], *, selves: bool) -> list[tuple[Row, Row, Row, Row]]:
    size = range(len(u))
    return [(u[i], y[i], u[j], y[j]) for i in size for j in size if selves or i != j]


def balanced(losses: list[tuple[bool, float]]) -> float:
    return mean([x for same, x in losses if same]) + mean([x for same, x in losses if not same])


def dsh(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    losses = []
    for a, ya, b, yb in past.pairs(u, y, rows) if o.memory else batch_pairs(u, y, selves=False):
        r = sum((p - q) ** 2 for p, q in zip(a, b, strict=True))
        losses.append(r / 2 if dot(ya, yb) > 0 else max(2 * BITS - r, 0) / 2)
    paper = o.mode == "paper"
    pull = mean([abs(1 - sign(x)) if paper else abs(abs(x) - 1) for row in u for x in row])
    weight = 0.1 if paper else 0.01 * BITS
    return {"pairs": mean(losses), "quantisation": weight * pull}


def hashnet(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    paper = o.mode == "paper"
    alpha, beta = (0.1, 1.0) if paper else (10 / BITS, 1.0)
    h = [[tanh(beta * x) for x in row] for row in u]
    losses = []
    for a, ya, b, yb in past.pairs(h, y, rows):
        same, theta = dot(ya, yb) > 0, alpha * dot(a, b)
        losses.append((same, softplus(theta) - same * theta))
    return {"pairs": balanced(losses)}


def greedyhash(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    del past, rows
    paper, w = o.mode == "paper", o.classifier.tolist()
    losses = []
    for a, ya in zip(u, y, strict=True):
        code = [sign(x) if paper else (1.0 if x > 0 else -1.0) for x in a]
        logits = [dot(code, row) for row in w]
        whole = log(sum(exp(x) for x in logits))
        if paper:
            losses.append(whole - logits[ya.index(max(ya))])
        elif sum(ya):
            losses.append(mean([whole - x for x, has in zip(logits, ya, strict=True) if has]))
    pull = mean([abs(abs(x) - 1) ** 3 for row in u for x in row])
    return {"classes": mean(losses), "quantisation": 0.1 * pull}


def idhn(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    h, k = [[x / (1 + abs(x)) for x in row] for row in u], BITS
    graded: list[tuple[bool, float]] = []
    certain: list[tuple[bool, float]] = []
    for a, ya, b, yb in past.pairs(h, y, rows):
        p, s = dot(a, b), dot(ya, yb) / (sqrt(dot(ya, ya) * dot(yb, yb)) + 1e-5)
        if o.mode == "paper":
            loss = softplus(p / 2) - s * p / 2 if s > 0.99 or s < 0.01 else 0.1 * (p / 2 + k - 2 * s * k) ** 2
        elif s > 0.99 or s < 0.01:
            loss = softplus(5 * p / k) - s * 5 * p / k
        else:
            loss = 0.1 * k * ((p + k) / (2 * k) - s) ** 2
        (certain if s > 0.99 or s < 0.01 else graded).append((s > 0.99, loss))
    total = sum(x for _, x in graded + certain)
    if o.mode == "fixed":
        means = [
            mean([x for same, x in certain if same is kind])
            for kind in (True, False)
            if any(same is kind for same, _ in certain)
        ]
        total = sum(x for _, x in graded) + len(certain) * mean(means)
    pull = mean([abs(abs(x) - 1) for row in h for x in row])
    return {"pairs": total / len(graded + certain), "quantisation": 0.1 * pull}


def targets(o: Any, y: list[Row]) -> list[Row | None]:
    """Target codes by the vote of the centres; None where an image without a label is left out."""
    centres, ties = o.targets.centres.tolist(), o.targets.ties.tolist()
    result: list[Row | None] = []
    for labels in y:
        votes = [dot(labels, [centre[k] for centre in centres]) for k in range(BITS)]
        target = [sign(vote) or float(tie) for vote, tie in zip(votes, ties, strict=True)]
        result.append(target if sum(labels) or o.mode == "paper" else None)
    return result


def csq(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    del past, rows
    losses = []
    for row, target in zip(u, targets(o, y), strict=True):
        for x, t in zip(row, target or [], strict=bool(target)):
            right = (tanh(x) * t + 1) / 2
            losses.append(-max(log(right), -100))
    pull = mean([(abs(tanh(x)) - 1) ** 2 for row in u for x in row])
    return {"centre": mean(losses), "quantisation": 1e-4 * pull}


def dpn(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    del past, rows
    hinges = [
        max(1 - x * t, 0)
        for row, target in zip(u, targets(o, y), strict=True)
        for x, t in zip(row, target or [], strict=bool(target))
    ]
    return {"polarisation": mean(hinges)}


def dhn(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    paper = o.mode == "paper"
    z = u if paper else [[tanh(x) for x in row] for row in u]
    losses = []
    for a, ya, b, yb in past.pairs(z, y, rows) if o.memory else batch_pairs(z, y, selves=False):
        p = dot(a, b) / 2 if paper else dot(a, b)
        losses.append(softplus(p) - (dot(ya, yb) > 0) * p)
    pull = mean([log(cosh(abs(x) - 1)) for row in z for x in row])
    return {"pairs": mean(losses), "quantisation": (0.1 if paper else 0.2) * pull}


def dch(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    del past, rows
    paper = o.mode == "paper"

    def distance(a: Row, b: Row) -> float:
        return BITS / 2 * (1 - min(cosine(a, b), 0.99 if paper else 1.0))

    losses = []
    for a, ya, b, yb in batch_pairs(u, y, selves=paper):
        same, d = dot(ya, yb) > 0, distance(a, b)
        losses.append((same, same * log(d / 20) + log(1 + 20 / d)))
    pull = mean([log(1 + distance([abs(x) for x in row], [1.0] * BITS) / 20) for row in u])
    return {"pairs": balanced(losses), "quantisation": 0.1 * pull}


def transhash(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    del past, rows
    terms = {"global": 0.0, "local": 0.0, "quantisation": 0.0}
    for name, first, last in (
        ("global", 0, BITS // 2),
        ("local", BITS // 2, 3 * BITS // 4),
        ("local", 3 * BITS // 4, BITS),
    ):
        length = BITS if o.mode == "paper" else last - first
        gamma = 20.0 if o.mode == "paper" else 20 * length / 64
        part, losses = [row[first:last] for row in u], []
        for a, ya, b, yb in batch_pairs(part, y, selves=False):
            same, d = dot(ya, yb) > 0, length / 2 * (1 - cosine(a, b))
            losses.append((same, same * log(d / gamma) + log(1 + gamma / d)))
        terms[name] += balanced(losses)
        to_bits = [length / 2 * (1 - cosine([abs(x) for x in row], [1.0] * (last - first))) for row in part]
        terms["quantisation"] += 0.1 * mean([log(1 + d / gamma) for d in to_bits])
    return terms


def dfh(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    paper = o.mode == "paper"
    losses = []
    for a, ya, b, yb in past.pairs(u, y, rows):
        theta = min(max(dot(a, b) / 2, -100), 50) if paper else dot(a, b) / 2
        losses.append(softplus(3 - theta) if dot(ya, yb) > 0 else softplus(3 + theta))
    centres = o.before.tolist()
    pull = []
    for a, ya in zip(u, y, strict=True):
        for k in range(BITS):
            if paper:
                bit = sign(0.1 * dot(ya, [sign(centre[k]) for centre in centres]) + a[k])
            else:
                vote = dot(ya, [centre[k] for centre in centres]) / max(sum(ya), 1) + a[k]
                bit = 1.0 if vote > 0 else -1.0
            pull.append((bit - a[k]) ** 2)
    return {"pairs": mean(losses), "quantisation": 0.5 * mean(pull)}


def dpsh(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    del o
    losses = [
        softplus(dot(a, b) / 2) - (dot(ya, yb) > 0) * dot(a, b) / 2 for a, ya, b, yb in past.pairs(u, y, rows)
    ]
    return {"pairs": mean(losses), "quantisation": 0.1 * mean([(x - sign(x)) ** 2 for row in u for x in row])}


def orthohash(o: Any, past: Past, u: list[Row], y: list[Row], rows: list[int]) -> Terms:
    del past, rows
    losses = []
    for a, labels in zip(u, y, strict=True):
        own = [c for c, has in enumerate(labels) if has]
        logits = [8 * (cosine(a, code) - 0.2 * (c in own)) for c, code in enumerate(o.centres.tolist())]
        total = log(sum(exp(x) for x in logits))
        if own or o.mode == "paper":
            losses.append(sum(total - logits[c] for c in own) / max(len(own), 1))
    return {"classes": mean(losses)}


Loop = Callable[[Any, Past, list[Row], list[Row], list[int]], Terms]
LOOPS: dict[str, Loop] = {
    "csq": csq,
    "dch": dch,
    "dfh": dfh,
    "dhn": dhn,
    "dpn": dpn,
    "dpsh": dpsh,
    "dsh": dsh,
    "greedyhash": greedyhash,
    "hashnet": hashnet,
    "idhn": idhn,
    "orthohash": orthohash,
    "transhash": transhash,
}


def drawn_batches(*, several: bool) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Three batches whose rows overlap and leave row 8 out; with several labels, one image has none."""
    random = np.random.default_rng(5)
    batches = []
    for rows in ([0, 3, 5, 1, 7], [2, 3, 6, 0], [4, 5, 1]):
        labels = np.eye(CLASSES)[random.integers(0, CLASSES, len(rows))]
        if several:
            labels = (random.random((len(rows), CLASSES)) < 0.5).astype(float)
            labels[1] = 0
        u = random.normal(0, 1.2, (len(rows), BITS))
        batches.append((torch.tensor(u), torch.tensor(labels), torch.tensor(rows)))
    return batches


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(
    ("name", "mode", "chosen"),
    [
        *((name, mode, {}) for name in LOOPS for mode in ("fixed", "paper")),
        ("dsh", "fixed", {"compare": "memory"}),
        ("dhn", "fixed", {"compare": "memory"}),
    ],
)
def test_the_value_is_that_of_plain_loops(
    name: str, mode: str, chosen: dict[str, Any], *, several: bool
) -> None:
    objective = create(name, mode=mode, **chosen)
    objective.bind(bits=BITS, classes=CLASSES, rows=ROWS, seed=1, multilabel=several)
    objective.double()
    objective.start_epoch(45)
    past = Past(mode)
    for u, y, rows in drawn_batches(several=several):
        if name == "dfh":
            # The codes of a batch are made with the centres that stood before it.
            cast(Any, objective).before = cast(Any, objective).centres.clone()
        terms = objective(u, y, rows)
        loops = LOOPS[name](objective, past, u.tolist(), y.tolist(), rows.tolist())
        assert numbers(terms) == pytest.approx(loops, abs=1e-9)


def test_dpn_can_pull_to_each_class() -> None:
    objective: Any = create("dpn", several="each")
    objective.bind(bits=BITS, classes=CLASSES, rows=ROWS, seed=1, multilabel=True)
    u, y, rows = drawn_batches(several=True)[0]
    centres = objective.targets.centres.tolist()
    hinges = [
        sum(
            max(1 - x * t, 0)
            for has, c in zip(labels, centres, strict=True)
            if has
            for x, t in zip(a, c, strict=True)
        )
        for a, labels in zip(u.tolist(), y.tolist(), strict=True)
        if sum(labels)
    ]
    assert float(objective(u, y, rows)["polarisation"]) == pytest.approx(mean(hinges) / BITS)


def test_given_codes_replace_the_classes() -> None:
    codes = torch.tensor([[1, -1, -1, 1], [1, 1, -1, -1], [-1, 1, 1, 1]])
    u = torch.tensor([[0.5, 2.0, -1.0, 0.1], [1.5, -0.2, 0.3, 0.9]])
    csq_codes, dpn_codes = create("csq"), create("dpn")
    for objective in (csq_codes, dpn_codes):
        objective.bind_targets(codes)
    rows, no_labels = torch.tensor([2, 0]), torch.zeros(2, 0)
    agreement = [
        x * t
        for a, row in zip(u.tolist(), [2, 0], strict=True)
        for x, t in zip(a, codes[row].tolist(), strict=True)
    ]
    assert float(csq_codes(u, no_labels, rows)["centre"]) == pytest.approx(
        mean([softplus(-2 * x) for x in agreement]), abs=1e-6
    )
    assert float(dpn_codes(u, no_labels, rows)["polarisation"]) == pytest.approx(
        mean([max(1 - x, 0) for x in agreement]), abs=1e-6
    )


def test_dfh_improves_its_centres_one_class_at_a_time() -> None:
    objective: Any = create("dfh")
    objective.bind(bits=BITS, classes=CLASSES, rows=ROWS, seed=1)
    seen: dict[int, tuple[Row, Row]] = {}
    for u, y, rows in drawn_batches(several=True):
        centres = objective.centres.tolist()
        objective(u, y, rows)
        seen |= {row: (a, b) for row, a, b in zip(rows.tolist(), u.tolist(), y.tolist(), strict=True)}
        shares = [[x / max(sum(labels), 1) for x in labels] for _, labels in seen.values()]
        codes = [
            [1.0 if dot(share, [c[k] for c in centres]) + a[k] > 0 else -1.0 for k in range(BITS)]
            for (a, _), share in zip(seen.values(), shares, strict=True)
        ]
        scale = len(rows) / len(seen)
        for i in range(CLASSES):
            for k in range(BITS):
                wanted = scale * sum(s[i] * b[k] for s, b in zip(shares, codes, strict=True))
                others = [j for j in range(CLASSES) if j != i]
                overlap = sum(scale * sum(s[i] * s[j] for s in shares) * centres[j][k] for j in others)
                best = sign(wanted - overlap - sum(centres[j][k] for j in others))
                centres[i][k] = best or centres[i][k]
        assert objective.centres.tolist() == centres


def test_dfh_in_paper_mode_descends_on_its_relaxation() -> None:
    objective: Any = create("dfh", mode="paper").double()
    objective.bind(bits=BITS, classes=CLASSES, rows=ROWS, seed=1)
    objective.double()
    start = torch.tensor(np.random.default_rng(2).normal(0, 0.5, (CLASSES, BITS)))
    objective.centres.copy_(start)
    u, y, rows = drawn_batches(several=True)[0]
    codes = (0.1 * y @ start.sign() + u).sign()
    v = start.clone().requires_grad_()
    apart = BITS * (2 * torch.eye(CLASSES, dtype=v.dtype) - 1)
    for step in range(200):
        rate = 0.03 if step < 149 else 0.003 if step < 179 else 0.0003
        loss = (y @ v - codes).square().mean() + (v @ v.T - apart).square().mean()
        loss = loss + (v - v.detach().sign()).square().mean()
        (slope,) = torch.autograd.grad(loss, v)
        v = (v - rate * slope).detach().requires_grad_()
    objective(u, y, rows)
    assert torch.allclose(objective.centres, v.detach(), atol=1e-9)


def golden(name: str, mode: str, **options: Any) -> Terms:
    """The terms on the golden inputs, with the golden memory, classifier and centres in place."""
    objective: Any = create(name, mode=mode, **options)
    objective.bind(bits=8, classes=3, rows=6, seed=0, multilabel=True)
    objective.double()
    if getattr(objective, "memory", None):
        objective.memory.outputs.copy_(torch.tensor(INPUTS["U_before"]))
        objective.memory.labels.copy_(torch.tensor(INPUTS["Y_before"]))
        objective.memory.visited[1] = True
    if hasattr(objective, "classifier"):
        objective.classifier.data.copy_(torch.tensor(INPUTS["W"]))
    if hasattr(objective, "targets"):
        objective.targets.centres.copy_(torch.tensor(INPUTS["hash_centers(Sylvester first 3 rows)"]))
        objective.targets.ties.copy_(2 * torch.tensor(INPUTS["multi_label_random_center01"]) - 1)
        assert objective.targets(golden_labels(), torch.arange(4)).tolist() == INPUTS["targets"]
    terms = objective(golden_outputs(), golden_labels(), torch.tensor(INPUTS["ind"]))
    return numbers(terms)


def golden_outputs() -> torch.Tensor:
    return torch.tensor(INPUTS["u"], dtype=torch.float64)


def golden_labels() -> torch.Tensor:
    return torch.tensor(INPUTS["y"], dtype=torch.float64)


def near(key: str) -> Any:
    return pytest.approx(EXPECTED[key], abs=1e-5)


def test_golden_values_of_csq_and_dpn() -> None:
    for mode, key in (("fixed", "csq_center_bce"), ("paper", "csq_center_bce_prob_form")):
        terms = golden("csq", mode, quantisation_weight=1.0)
        assert terms == {"centre": near(key), "quantisation": near("csq_q(mean(|h|-1)^2)")}
    assert golden("dpn", "paper")["polarisation"] == near("dpn_vts(mean)")
    each = golden("dpn", "fixed", several="each")["polarisation"]
    assert 8 * each == near("dpn_official_multilabel(sum)")


def test_golden_values_of_dsh() -> None:
    paper = golden("dsh", "paper", quantisation_weight=1.0)
    assert paper == {"pairs": near("dsh_pair_mean"), "quantisation": near("dsh_reg_vts(mean|1-sign|)")}
    fixed = golden("dsh", "fixed", quantisation_weight=1.0, compare="memory")
    assert fixed == {
        "pairs": near("dsh_pair_mean_fixed(no phantom,no self)"),
        "quantisation": near("dsh_reg_fixed(mean||u|-1|)"),
    }


def test_golden_values_of_hashnet() -> None:
    assert golden("hashnet", "paper")["pairs"] == near("hashnet_vts_alpha0.1")
    assert golden("hashnet", "paper", alpha=10 / 8)["pairs"] == near("hashnet_vts_alpha10/K")


def test_golden_values_of_greedyhash() -> None:
    paper = golden("greedyhash", "paper", quantisation_weight=1.0)
    assert paper == {"classes": near("greedy_ce_argmax"), "quantisation": near("greedy_reg")}
    fixed = golden("greedyhash", "fixed", quantisation_weight=1.0)
    assert fixed == {"classes": near("greedy_ce_multilabel(y/|y|)"), "quantisation": near("greedy_reg")}


def test_golden_values_of_idhn() -> None:
    assert sum(golden("idhn", "paper").values()) == near("idhn_vts_total")
    from vtsfind.learn.objectives.idhn import IDHN, label_cosines

    objective = IDHN()
    objective.bind(bits=8, classes=3, rows=6, seed=0)
    h = torch.nn.functional.softsign(golden_outputs())
    pairs = objective.pair_losses(h @ h.T, label_cosines(golden_labels(), golden_labels())).mean()
    total = pairs + 0.1 * (h.abs() - 1).abs().mean()
    assert float(total) == near("idhn_original_total(inbatch)")


def test_golden_values_of_dhn() -> None:
    paper = golden("dhn", "paper", quantisation_weight=1.0)
    assert paper == {"pairs": near("dhn_dhp_pair"), "quantisation": near("dhn_q(logcosh(|u|-1))")}
    z, same = torch.tanh(golden_outputs()), share_label(golden_labels(), golden_labels())
    assert float(cross_entropy(z @ z.T, same).mean()) == near("dhn_original_pair(tanh,inbatch)")


def test_golden_values_of_dch_and_dfh() -> None:
    assert golden("dch", "paper")["pairs"] == near("dch_dhp_pair_mean")
    fixed = golden("dch", "fixed", quantisation_weight=1.0)
    assert fixed == {"pairs": near("dch_fixed_pair_mean_offdiag"), "quantisation": near("dch_quant_mean")}
    assert golden("dfh", "paper")["pairs"] == near("dfh_metric_m3")


def test_far_values_do_not_overflow() -> None:
    assert log_cosh(torch.tensor([0.0, 1e4])).tolist() == pytest.approx([0.0, 1e4 - log(2)])
    losses = cauchy_loss(torch.tensor([[0.0, 0.0, 1e8]]), torch.tensor([[True, False, False]]), 1e-3)
    assert losses.tolist()[0] == pytest.approx([0.0, log(1001), 0.0], abs=1e-6)
