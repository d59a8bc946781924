"""What holds for every objective in the table, in both modes, for one label an image and for several."""

import re
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from vtsfind.base.errors import UsageError
from vtsfind.learn.objectives import OBJECTIVES, Objective, create, options

BITS, CLASSES, ROWS = 16, 5, 40
EVERY = [(name, mode) for name in OBJECTIVES for mode in ("fixed", "paper")]


class Drawn(NamedTuple):
    outputs: Tensor
    labels: Tensor
    rows: Tensor


def drawn(size: int = 16, *, several: bool = False, seed: int = 0) -> Drawn:
    """A random batch; with several labels, one image has none."""
    random = torch.Generator().manual_seed(seed)
    outputs = torch.randn(size, BITS, generator=random)
    labels = torch.eye(CLASSES)[torch.randint(CLASSES, (size,), generator=random)]
    if several:
        labels = (torch.rand(size, CLASSES, generator=random) < 0.4).float()
        labels[3] = 0
    rows = torch.randperm(ROWS, generator=random)[:size]
    return Drawn(outputs, labels, rows)


def bound(name: str, mode: str, *, several: bool = False, seed: int = 7, **chosen: Any) -> Objective:
    objective = create(name, mode=mode, **chosen)
    objective.bind(bits=BITS, classes=CLASSES, rows=ROWS, seed=seed, multilabel=several)
    return objective


def total(terms: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def views(batch: Drawn) -> Drawn:
    """The batch with each photo seen twice, as the contrast of photos needs."""
    half = len(batch.rows) // 2
    return Drawn(batch.outputs, batch.labels[:half].repeat(2, 1), batch.rows[:half].repeat(2))


def batch_for(name: str, **kind: Any) -> Drawn:
    batch = drawn(**kind)
    return views(batch) if name == "instance" else batch


several_or_one = pytest.mark.parametrize("several", [False, True], ids=["one label", "several labels"])
every = pytest.mark.parametrize(("name", "mode"), EVERY)


@every
@several_or_one
def test_every_term_is_a_finite_number(name: str, mode: str, *, several: bool) -> None:
    objective = bound(name, mode, several=several)
    for seed in range(3):
        terms = objective(*batch_for(name, several=several, seed=seed))
        assert terms
        for value in terms.values():
            assert value.shape == ()
            assert torch.isfinite(value)


@every
@several_or_one
def test_every_term_moves_the_outputs_unless_it_is_declared_inert(
    name: str, mode: str, *, several: bool
) -> None:
    objective = bound(name, mode, several=several)
    batch = batch_for(name, several=several)
    outputs = batch.outputs.requires_grad_()
    moving = {}
    for term, value in objective(outputs, batch.labels, batch.rows).items():
        (slope,) = torch.autograd.grad(value, outputs, retain_graph=True)
        assert torch.isfinite(slope).all()
        moving[term] = bool(slope.any())
    zero_gradient_terms = OBJECTIVES[name].zero_gradient_terms.get(objective.mode, frozenset())
    assert moving == {term: term not in zero_gradient_terms for term in moving}


@every
@several_or_one
def test_every_parameter_gets_a_gradient(name: str, mode: str, *, several: bool) -> None:
    objective = bound(name, mode, several=several)
    batch = batch_for(name, several=several)
    loss = total(objective(batch.outputs.requires_grad_(), batch.labels, batch.rows))
    torch.autograd.backward(loss)
    for parameter in objective.parameters():
        assert parameter.grad is not None
        assert parameter.grad.any()


@every
@several_or_one
def test_the_order_of_the_batch_does_not_matter(name: str, mode: str, *, several: bool) -> None:
    straight, turned = (bound(name, mode, several=several).double() for _ in range(2))
    for seed in range(3):
        outputs, labels, rows = batch_for(name, several=several, seed=seed)
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
        one = total(straight(outputs.double(), labels, rows))
        other = total(turned(outputs[order].double(), labels[order], rows[order]))
        assert float(one.detach()) == pytest.approx(float(other.detach()), rel=1e-9)


@every
@several_or_one
def test_a_state_dict_brings_back_the_same_next_loss(name: str, mode: str, *, several: bool) -> None:
    first = bound(name, mode, several=several)
    first.start_epoch(25)
    for seed in range(2):
        first(*batch_for(name, several=several, seed=seed))
    # Another seed: nothing that was drawn in `bind` may survive the load.
    second = bound(name, mode, several=several, seed=8)
    second.load_state_dict(first.state_dict())
    for seed in range(2, 4):
        batch = batch_for(name, several=several, seed=seed)
        one, other = first(*batch), second(*batch)
        assert {term: float(value.detach()) for term, value in one.items()} == {
            term: float(value.detach()) for term, value in other.items()
        }


@every
@several_or_one
def test_thirty_steps_on_sixteen_points_lower_the_loss(name: str, mode: str, *, several: bool) -> None:
    objective = bound(name, mode, several=several)
    batch = batch_for(name, several=several)
    outputs = batch.outputs.clone().requires_grad_()
    optimiser = torch.optim.Adam([outputs, *objective.parameters()], lr=0.05)
    # The first pass fills the memories, which later losses are taken over.
    objective(outputs, batch.labels, batch.rows)
    losses = []
    for _ in range(30):
        loss = total(objective(outputs, batch.labels, batch.rows))
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    assert losses[-1] < losses[0]


@every
@several_or_one
def test_extreme_outputs_stay_finite(name: str, mode: str, *, several: bool) -> None:
    objective = bound(name, mode, several=several)
    batch = batch_for(name, several=several)
    for outputs in (1e4 * batch.outputs.sign(), 1e4 * batch.outputs, torch.zeros_like(batch.outputs)):
        u = outputs.clone().requires_grad_()
        loss = total(objective(u, batch.labels, batch.rows))
        (slope,) = torch.autograd.grad(loss, u)
        assert torch.isfinite(loss)
        assert torch.isfinite(slope).all()


@every
def test_batches_of_one_image_or_of_one_class_are_fine(name: str, mode: str) -> None:
    objective = bound(name, mode)
    for size in (1, 4):
        labels = torch.eye(CLASSES)[:1].repeat(size, 1)
        outputs = torch.randn(size, BITS, generator=torch.Generator().manual_seed(0)).requires_grad_()
        loss = total(objective(outputs, labels, torch.arange(size)))
        (slope,) = torch.autograd.grad(loss, outputs)
        assert torch.isfinite(loss)
        assert torch.isfinite(slope).all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_images_without_any_label_do_not_break_a_batch(name: str) -> None:
    objective = bound(name, "fixed", several=True)
    outputs, _, rows = batch_for(name)
    loss = total(objective(outputs.requires_grad_(), torch.zeros(len(rows), CLASSES), rows))
    (slope,) = torch.autograd.grad(loss, outputs)
    assert torch.isfinite(loss)
    assert torch.isfinite(slope).all()


@every
def test_evaluation_changes_nothing(name: str, mode: str) -> None:
    objective = bound(name, mode)
    objective(*batch_for(name))
    before = {key: value.clone() for key, value in objective.state_dict().items()}
    objective.eval()
    objective(*batch_for(name, seed=1))
    for key, value in objective.state_dict().items():
        assert torch.equal(value, before[key])


@every
def test_the_same_seed_draws_the_same_and_the_global_state_does_not_matter(name: str, mode: str) -> None:
    torch.manual_seed(1)
    first = bound(name, mode).state_dict()
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = bound(name, mode).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@every
def test_outputs_keep_their_type(name: str, mode: str) -> None:
    objective = bound(name, mode)
    outputs, labels, rows = batch_for(name)
    for kind in (torch.float32, torch.float64):
        assert {value.dtype for value in objective(outputs.to(kind), labels, rows).values()} == {kind}


@every
def test_one_class_is_refused_where_labels_are_learnt(name: str, mode: str) -> None:
    objective = create(name, mode=mode)
    if name == "instance":
        objective.bind(bits=BITS, classes=1, rows=ROWS, seed=0)
    else:
        with pytest.raises(UsageError, match="1 class"):
            objective.bind(bits=BITS, classes=1, rows=ROWS, seed=0)


@pytest.mark.parametrize(
    ("name", "mode", "bits", "remedy"),
    [
        ("csq", "paper", 48, "32 or 64 bits"),
        ("csq", "fixed", 4, "at least 7 bits"),
        ("dpn", "fixed", 4, "at least 7 bits"),
        ("dfh", "fixed", 6, "at least 7 bits"),
        ("transhash", "fixed", 18, "16 bits"),
        ("transhash", "paper", 8, "16 bits"),
    ],
)
def test_impossible_lengths_name_the_nearest_possible(name: str, mode: str, bits: int, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        create(name, mode=mode).bind(bits=bits, classes=100, rows=ROWS, seed=0)
    assert remedy in caught.value.remedy


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=re.escape(", ".join(OBJECTIVES))):
        create("csk")
    with pytest.raises(UsageError, match="fixed, paper"):
        create("csq", mode="loose")
    with pytest.raises(UsageError, match=r"'margin'.*margin_per_bit, quantisation_weight, compare"):
        create("dsh", margin=3.0)


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("csq", {"quantisation_weight": "much"}),
        ("csq", {"quantisation_weight": True}),
        ("dpn", {"several": "some"}),
        ("dsh", {"compare": "all"}),
        ("hashnet", {"batches_per_step": 2.5}),
        ("idhn", {"balanced": 1}),
        ("transhash", {"groups": 0}),
    ],
)
def test_options_of_the_wrong_kind_are_refused(name: str, chosen: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        create(name, **chosen)


def test_options_may_be_whole_numbers_or_left_to_the_mode() -> None:
    assert options("hashnet") == {"alpha": None, "batches_per_step": 200}
    create("hashnet", alpha=1)
    create("hashnet", alpha=None)
    create("dpn", several="each")
    create("dsh", compare="memory")
    create("dsh", compare=None)


def test_only_objectives_with_targets_take_codes() -> None:
    with pytest.raises(UsageError, match="DSH"):
        create("dsh").bind_targets(torch.ones(3, 8))
    for codes in (torch.zeros(3, 8), torch.ones(8), torch.ones(0, 8)):
        with pytest.raises(UsageError, match="-1 and"):
            create("csq").bind_targets(codes)


def test_given_codes_are_kept_in_the_state() -> None:
    codes = torch.randint(0, 2, (ROWS, BITS), generator=torch.Generator().manual_seed(0)) * 2 - 1
    first, second = create("csq"), create("csq")
    first.bind_targets(codes)
    second.bind_targets(-codes)
    second.load_state_dict(first.state_dict())
    batch = drawn()
    assert torch.equal(total(first(*batch)), total(second(*batch)))
