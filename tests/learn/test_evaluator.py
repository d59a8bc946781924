"""Measuring a model: the figures are right, say what they were measured on, and the codes are made once."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from support.tiny_models import SPEC, draw_classes, make_model, recipe_text

from vtsfind.base.errors import ModelDamaged, UsageError
from vtsfind.base.progress import Cancelled, CancelToken, Phase
from vtsfind.base.records import Head
from vtsfind.base.settings import places
from vtsfind.learn.data.formats import cifar10
from vtsfind.learn.data.formats.pictures import Pictures
from vtsfind.learn.data.protocols import PROTOCOLS, open_protocol
from vtsfind.learn.evaluation import codes as codes_module
from vtsfind.learn.evaluation import evaluator
from vtsfind.learn.evaluation.evaluator import Evaluation, evaluate
from vtsfind.learn.models.encoder import Encoder
from vtsfind.learn.models.registry import ModelCard
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.media.decode import prepare

BATCH = 8


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return draw_classes(tmp_path / "data")


@pytest.fixture
def card(tmp_path: Path) -> ModelCard:
    return make_model(tmp_path / "model")


def measure(card: ModelCard, data: Path, **options: object) -> Evaluation:
    given = {"device": "cpu", "batch": BATCH, "workers": 1, **options}
    return evaluate(card, "folder", data, **given)  # type: ignore[arg-type]


def distances_and_relevance(
    card: ModelCard, data: Path, head: str
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]]:
    """For each query, how far the database is and what of it is relevant, without the evaluator."""
    pictures, split = open_protocol("folder", data, seed=1, shortest=32)
    rows = [*split.query, *split.database]
    shown = np.stack([prepare(pictures.picture(int(row)), card.preprocessing) for row in rows])
    encoder = Encoder(card, device="cpu")
    bits = {h.name: h.bits for h in card.network.heads}[head]
    packed = np.concatenate(
        [encoder.encode(shown[first : first + BATCH])[head] for first in range(0, len(rows), BATCH)]
    )
    signs = np.unpackbits(packed, axis=1)[:, :bits].astype(np.int64)
    q = len(split.query)
    for query in range(q):
        far = np.array([int((signs[query] != other).sum()) for other in signs[q:]])
        same = np.array([bool(pictures.labels[rows[query]] @ pictures.labels[row]) for row in rows[q:]])
        yield far, same


def precision_of_order(relevant: npt.NDArray[np.bool_]) -> float:
    hits, total = 0, 0.0
    for position, wanted in enumerate(relevant, start=1):
        if wanted:
            hits += 1
            total += hits / position
    return total / hits if hits else 0.0


def expected_precision(far: npt.NDArray[np.int64], same: npt.NDArray[np.bool_], radius: int) -> float:
    """Average precision within a radius, position by position: the chance of a hit there times the hits up to there."""
    seen, hits, total = 0, 0, 0.0
    for distance in range(radius + 1):
        tied = same[far == distance]
        m, r = len(tied), int(tied.sum())
        for place in range(m):
            others_before = place * (r - 1) / (m - 1) if m > 1 else 0.0
            total += r / m * (hits + 1 + others_before) / (seen + place + 1)
        seen, hits = seen + m, hits + r
    return total / hits if hits else 0.0


@pytest.mark.parametrize("head", ["copy", "scene"])
def test_figures_are_those_of_a_plain_loop_over_the_codes(card: ModelCard, data: Path, head: str) -> None:
    scores = measure(card, data, head=head).scores
    loop: dict[str, list[float]] = {
        name: [] for name in ("best", "worst", "expected", "map", "precision", "recall")
    }
    for far, same in distances_and_relevance(card, data, head):
        loop["best"].append(precision_of_order(same[np.lexsort((~same, far))]))
        loop["worst"].append(precision_of_order(same[np.lexsort((same, far))]))
        loop["expected"].append(expected_precision(far, same, radius=16))
        loop["map"].append(expected_precision(far, same, radius=2))
        inside = far <= 2
        loop["precision"].append(float(same[inside].mean()) if inside.any() else 0.0)
        loop["recall"].append(float(same[inside].sum() / same.sum()))
    for name in ("best", "worst", "expected"):
        assert getattr(scores.map, name) == pytest.approx(np.mean(loop[name]), abs=1e-12)
    for name in ("map", "precision", "recall"):
        assert getattr(scores.radius_score, name) == pytest.approx(np.mean(loop[name]), abs=1e-12)
    assert scores.radius_score.radius == 2
    assert scores.map.worst < scores.map.expected < scores.map.best
    assert scores.textbook == scores.map  # everything counts


def test_the_curve_ends_with_the_whole_database(card: ModelCard, data: Path) -> None:
    curve = measure(card, data).scores.curve
    assert [point.top for point in curve] == [1, 2, 5, 10, 20, 24]
    assert curve[-1].recall == 1.0
    assert curve[-1].precision == pytest.approx(8 / 24)


def test_only_the_first_images_of_a_protocol_count(
    card: ModelCard, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measure(card, data)
    short = replace(PROTOCOLS["folder"], top_k=5)
    monkeypatch.setattr(evaluator, "find_protocol", lambda _: short)
    cut = measure(card, data)
    assert cut.encoded == 0
    assert cut.scores.map != whole.scores.map
    assert cut.scores.textbook.expected < cut.scores.map.expected


def test_a_result_says_what_was_measured_on_what(card: ModelCard, data: Path) -> None:
    result = measure(card, data)
    _, split = open_protocol("folder", data, seed=1)
    assert (result.model, result.sha256) == (card.name, card.sha256)
    assert result.fingerprint == card.signature.fingerprint
    assert result.head == Head("scene", 12)
    assert result.split.digest == split.digest
    assert str(data) in result.split.origin
    assert (len(result.split.query), len(result.split.database)) == (9, 24)
    assert result.made_on.startswith("cpu, ")
    assert set(result.versions) == {"vtsfind", "torch", "timm", "pillow", "numpy"}
    assert (result.method, result.paper) == (None, None)


def spoil(data: Path) -> None:
    """Take the content of all pictures away, so that sizes and times stay but nothing can be decoded."""
    for path in data.rglob("*.png"):
        status = path.stat()
        path.write_bytes(bytes(status.st_size))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_second_measurement_decodes_nothing(card: ModelCard, data: Path) -> None:
    first = measure(card, data)
    assert first.encoded == 33
    spoil(data)
    again = measure(card, data)
    assert again.encoded == 0
    assert again.scores == first.scores
    assert again.made_on == first.made_on
    assert measure(card, data, device="auto").encoded == 0


def test_another_head_costs_nothing_either(card: ModelCard, data: Path) -> None:
    measure(card, data, head="scene")
    spoil(data)
    other = measure(card, data, head="copy")
    assert (other.encoded, other.head.bits) == (0, 16)


def test_changed_pictures_are_looked_at_again(card: ModelCard, data: Path) -> None:
    first = measure(card, data)
    for path in (data / "train" / "cat").iterdir():
        path.write_bytes((data / "train" / "dog" / path.name).read_bytes())
    again = measure(card, data)
    assert again.split.digest == first.split.digest
    assert again.encoded == 33
    assert again.scores != first.scores


def test_another_model_or_split_has_codes_of_its_own(card: ModelCard, data: Path, tmp_path: Path) -> None:
    first = measure(card, data)
    other = make_model(tmp_path / "other", seed=1)
    assert measure(other, data).encoded == 33
    (data / "val" / "cat" / "0.png").unlink()
    fewer = measure(card, data)
    assert fewer.encoded == 32
    assert fewer.split.digest != first.split.digest


class Watcher:
    """Counts steps, and asks to stop after some."""

    def __init__(self, stop_after: int = 1 << 30) -> None:
        self.cancel = CancelToken()
        self.stop_after = stop_after
        self.phases: list[tuple[Phase, int | None]] = []
        self.done = 0

    def start(self, phase: Phase, total: int | None) -> None:
        self.phases.append((phase, total))

    def advance(self, steps: int = 1, note: str = "") -> None:
        del note
        self.done += steps
        if self.done >= self.stop_after:
            self.cancel.cancel()


def test_progress_counts_every_picture(card: ModelCard, data: Path) -> None:
    watcher = Watcher()
    measure(card, data, progress=watcher)
    assert watcher.phases == [(Phase.EVALUATE, 33)]
    assert watcher.done == 33


def test_work_that_was_stopped_goes_on_where_it_was(card: ModelCard, data: Path, tmp_path: Path) -> None:
    watcher = Watcher(stop_after=2 * BATCH)
    with pytest.raises(Cancelled):
        measure(card, data, progress=watcher, cancel=watcher.cancel)
    resumed = measure(card, data)
    assert resumed.encoded == 33 - 2 * BATCH
    assert resumed.scores == measure(card, data, cache=tmp_path / "anew").scores


def test_codes_are_kept_now_and_then(card: ModelCard, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes_module, "_SAVE_EVERY_PICTURES", BATCH)
    kept = []
    monkeypatch.setattr(codes_module._CodeFile, "save", lambda self: kept.append(self.done))
    measure(card, data)
    assert kept == [8, 16, 24, 32, 33]


def test_a_damaged_file_of_codes_is_made_anew(card: ModelCard, data: Path) -> None:
    first = measure(card, data)
    (file,) = (places().cache / "codes").iterdir()
    content = file.read_bytes()
    for harmed in (b"", content[: len(content) // 2], content.replace(b"head scene", b"head sceni")):
        file.write_bytes(harmed)
        again = measure(card, data)
        assert (again.encoded, again.scores) == (33, first.scores)
    assert file.read_bytes()


def test_a_cache_that_cannot_be_written_costs_no_figures(card: ModelCard, data: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file")
    result = measure(card, data, cache=tmp_path / "cache")
    assert str(tmp_path / "cache") in result.cache_error
    assert result.scores == measure(card, data).scores


def test_a_picture_that_cannot_be_used_is_named(card: ModelCard, data: Path) -> None:
    (data / "train" / "dog" / "3.png").write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"dog/3\.png cannot be used"):
        measure(card, data)


def test_a_damaged_model_measures_nothing(card: ModelCard, data: Path) -> None:
    card.path.write_bytes(card.path.read_bytes()[:-1])
    with pytest.raises(ModelDamaged):
        measure(card, data)


@pytest.mark.parametrize(
    ("text", "method"),
    [
        (recipe_text("csq"), "csq"),
        (recipe_text("csq", "instance", "csq"), "csq+instance"),
        ("no recipe", None),
    ],
)
def test_the_method_is_that_of_the_recipe(tmp_path: Path, data: Path, text: str, method: str | None) -> None:
    card = make_model(tmp_path / "model", recipe=text)
    assert measure(card, data).method == method


PAPERS = NetworkSpec("vts16", 224, (Head("scene", 32),), features="all")
TEACHER = 'teacher = { backbone = "lite2", start = "x.pth", size = 224 }'


@pytest.mark.parametrize(
    ("name", "protocol", "text", "expected"),
    [
        ("vts16.csq.cifar10.32", "cifar10@54000", recipe_text("csq"), 0.979),
        ("vts16.csq.cifar10@all.32", "cifar10@54000", recipe_text("csq"), 0.979),
        ("vts16.csq.imagenet.32", "cifar10@54000", recipe_text("csq"), None),
        ("vts16.csq.cifar10-2.32", "cifar10@54000", recipe_text("csq"), None),
        ("vts16.csq.photos.32", "cifar10@54000", recipe_text("csq"), None),
        ("mine", "cifar10@54000", recipe_text("csq"), None),
        ("vts16.csq.imagenet.32", "imagenet-100@1000", recipe_text("csq", more=TEACHER), None),
        ("vts16.csq.imagenet.32", "imagenet-100@1000", recipe_text("csq", "dpn"), None),
        ("vts16.csq.imagenet.32", "imagenet-100@1000", "", None),
    ],
)
def test_the_paper_s_figure_stands_beside_a_model_of_its_kind_alone(
    card: ModelCard, name: str, protocol: str, text: str, expected: float | None
) -> None:
    (card.folder / "recipe.toml").write_text(text)
    model = replace(card, name=name, network=PAPERS)
    goals = evaluator._goals_of_head(evaluator._recipe(model), "scene")
    found = evaluator._paper_cell(model, goals, PROTOCOLS[protocol], 32)
    assert (found and found.map) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "face"}, r"has no head 'face'.*copy, scene"),
        ({"device": "tpu"}, "no kind of device 'tpu'"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_wrong_options_are_refused(
    card: ModelCard, data: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        measure(card, data, **options)
    assert not (places().cache / "codes").exists()


def test_the_first_head_is_taken_where_none_is_called_scene(card: ModelCard) -> None:
    plain = replace(card, network=replace(SPEC, heads=(Head("code", 8), Head("other", 4))))
    assert evaluator.chosen_head(plain, "") == Head("code", 8)
    assert evaluator.chosen_head(plain, "other") == Head("other", 4)


def test_pictures_are_made_by_several_threads_in_order(card: ModelCard, data: Path) -> None:
    assert measure(card, data, workers=4).scores == measure(card, data, cache=data / "codes").scores


def test_codes_of_cifar_10_depend_on_its_six_files(tmp_path: Path) -> None:
    rows = np.arange(3, dtype=np.int64)
    pictures = Pictures((), np.zeros((3, 0), np.float32), (cifar10.Cifar10Reader(tmp_path, rows),), (0, 3))
    for name in cifar10.FILES:
        (tmp_path / name).write_bytes(b"batch")
    before = codes_module.files_digest(pictures)
    assert codes_module.files_digest(pictures) == before
    (tmp_path / cifar10.FILES[-1]).write_bytes(b"another batch")
    assert codes_module.files_digest(pictures) != before


def test_pictures_without_files_are_no_pictures_of_a_protocol() -> None:
    with pytest.raises(TypeError, match="in no files"):
        codes_module.files_digest(
            Pictures((), np.zeros((0, 0), np.float32), (lambda _: np.zeros(0, np.uint8),), (0, 0))
        )


def test_a_model_is_not_measured_by_a_drawing_that_it_was_not_trained_by(
    card: ModelCard, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, split = open_protocol("folder", data, seed=1)
    assert measure(card, data).trained_by == ""
    assert (
        measure(replace(card, split=split.training_digest), data).trained_by
        == "the training set of this split"
    )
    elsewhere = replace(card, split="0" * 64)
    assert measure(elsewhere, data).trained_by == "another data set or split"
    drawn = replace(PROTOCOLS["folder"], sampling=PROTOCOLS["cifar10@all"].sampling, title="Drawn")
    monkeypatch.setattr(evaluator, "find_protocol", lambda _: drawn)
    with pytest.raises(UsageError, match=r"not trained on the split of Drawn.*seed of its training"):
        measure(elsewhere, data)
    text = recipe_text("csq").replace(
        'data = [{ kind = "photos", path = "x" }]', 'protocol = "folder"\nsplit_seed = 7'
    )
    told = make_model(tmp_path / "told", recipe=text)
    with pytest.raises(UsageError, match="Evaluate with --seed 7"):
        measure(replace(told, recipe="recipe.toml", split="0" * 64), data)


@pytest.mark.parametrize("top", [None, 1, 5, 24])
def test_the_published_map_is_that_of_the_published_loop(
    card: ModelCard, data: Path, top: int | None
) -> None:
    """Signs, float32 distances, NumPy's argsort, a slice by topK that is -1 for all, the mean of i / position."""
    precisions = []
    for far, same in distances_and_relevance(card, data, "scene"):
        order = np.argsort((0.5 * (12 - (12 - 2 * far))).astype(np.float32))
        positions = np.flatnonzero(same[order][0 : -1 if top is None else top]) + 1.0
        found = len(positions)
        precisions.append(float(np.mean(np.linspace(1, found, found) / positions)) if found else 0.0)
    scores = measure(card, data, head="scene", ties="numpy", top=top).scores
    assert scores.published == pytest.approx(np.mean(precisions), abs=1e-12)
    assert measure(card, data, head="scene").scores.published is None


def test_queries_of_published_lists_stay_in_the_database_when_asked_for(card: ModelCard, data: Path) -> None:
    lines = {part: [f"{path.relative_to(data)} {' '.join('1' if c == path.parent.name else '0' for c in ('cat', 'dog', 'fox'))}\n"
                    for path in sorted((data / part).rglob("*.png"))] for part in ("train", "val")}  # fmt: skip
    for name, content in (
        ("train", lines["train"]),
        ("test", lines["val"]),
        ("database", lines["train"] + lines["val"]),
    ):
        (data / f"{name}.txt").write_text("".join(content))
    removed, kept = measure(card, data), measure(card, data, keep_queries=True)
    assert (len(removed.split.database), len(kept.split.database)) == (24, 33)
    assert "removed from it" in str(removed.split.findings[0])
    assert "kept there" in str(kept.split.findings[0])
    assert removed.split.digest != kept.split.digest
    assert kept.scores.curve[0].precision > removed.scores.curve[0].precision  # each finds itself
