"""Distillation targets: the features of a larger, trained network (the teacher) on unedited pictures, as codes.

The teacher's pooled features f of every picture are centred, moved towards the mean of their class if the picture has one
(f <- (1 - p) f + p mean_class(f): codes of a class become similar, while unlabelled pictures keep the teacher's geometry),
whitened on their first principal components, rotated to k dimensions so that taking signs loses least (ITQ: Gong, Lazebnik,
"Iterative Quantization", CVPR 2011, section 3.2), and reduced to signs. Whitened, rotated bits are balanced, and independent
if there are as many components as bits; a head that learns them inherits that. Fewer components than bits leave out details
that a small network cannot learn.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vtsfind.base.errors import UsageError, package_missing
from vtsfind.base.progress import CancelToken, Progress
from vtsfind.base.records import Preprocessing
from vtsfind.learn.data.formats import Pictures
from vtsfind.learn.models.backbones import backbone
from vtsfind.learn.models.network import make_backbone, normalise
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.pretrained.load import load_start
from vtsfind.learn.recipes import Recipe, Teacher
from vtsfind.learn.training.teacher_store import ExtractFeatures, TeacherStore
from vtsfind.media.decode import prepare
from vtsfind.store.atomic import replace_file

FeatureFunction = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]

_ITQ_ITERATIONS = 50


def target_codes(
    recipe: Recipe,
    pictures: Sequence[Pictures],
    *,
    starts: Path,
    cache: Path,
    progress: Progress,
    cancel: CancelToken,
) -> dict[tuple[int, int], Tensor]:
    """Make the code of every picture of every goal that has a teacher.

    All goals of one head share whitening and rotation, so that their codes are comparable.

    Parameters
    ----------
    recipe
        The bits k of each head are at most the width of its teachers' features.
    pictures
        Of each task.
    starts
        The folder of start weights.
    cache
        The run folder, where the features of its pictures are kept by task and goal. Those of each picture are kept beside the
        teacher as well, for other runs; they take minutes to compute.
    progress, cancel
        Updated and checked for every few pictures.

    Returns
    -------
    (number of task, number of goal) to (n, k) float32 of -1 and 1.
    """
    bits = {head.name: head.bits for head in recipe.network.heads}
    features_by_head: dict[str, dict[tuple[int, int], npt.NDArray[np.float32]]] = {}
    dims: dict[str, int] = {}
    for number, task in enumerate(recipe.tasks):
        for place, goal in enumerate(task.goals):
            if goal.teacher is None:
                continue
            file = cache / f"features-{number}-{place}.npy"
            if not file.is_file():
                buffer = io.BytesIO()
                np.save(
                    buffer,
                    _teacher_features(goal.teacher, pictures[number], starts, progress, cancel).astype(
                        np.float16
                    ),
                )
                replace_file(file, buffer.getvalue())
            features = np.load(file).astype(np.float32)
            moved = pull_to_class(features, pictures[number].labels, goal.teacher.pull)
            features_by_head.setdefault(goal.head, {})[number, place] = moved
            dims[goal.head] = goal.teacher.dims or bits[goal.head]
    result: dict[tuple[int, int], Tensor] = {}
    for head, parts in features_by_head.items():
        codes = itq_codes(np.concatenate(list(parts.values())), bits[head], dims[head], recipe.seed)
        ends = np.cumsum([len(part) for part in parts.values()])[:-1]
        result |= {
            key: torch.from_numpy(part) for key, part in zip(parts, np.split(codes, ends), strict=True)
        }
    return result


def _teacher_features(
    teacher: Teacher, pictures: Pictures, starts: Path, progress: Progress, cancel: CancelToken
) -> npt.NDArray[np.float32]:
    """The unit features of pictures, (n, d), by a teacher or what is kept of it."""

    def open_teacher() -> ExtractFeatures:
        extract, preprocessing = teacher_network(teacher, starts)
        return lambda shown: extract(np.stack([prepare(pixels, preprocessing) for pixels in shown]))

    features = TeacherStore(teacher, starts).features(pictures, open_teacher, progress, cancel)
    features /= np.linalg.norm(features, axis=1, keepdims=True).clip(1e-12)
    return features


def teacher_network(teacher: Teacher, starts: Path) -> tuple[FeatureFunction, Preprocessing]:
    """A teacher's network, as a function from (b, size, size, 3) uint8 to features (b, d), and its preprocessing.

    Raises
    ------
    UsageError
        When its file is missing or not such a network, or onnxruntime is missing.
    """
    if not teacher.backbone:
        return _onnx_network(starts / teacher.start), Preprocessing(size=teacher.size)
    return _network(teacher, starts), backbone(teacher.backbone).preprocessing(teacher.size)


def _network(teacher: Teacher, starts: Path) -> FeatureFunction:
    known = backbone(teacher.backbone)
    network = make_backbone(NetworkSpec(teacher.backbone, teacher.size, heads=()))
    load_start(network, starts / teacher.start)
    network.eval()

    @torch.inference_mode()
    def extract(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        features: npt.NDArray[np.float32] = network(
            normalise(torch.from_numpy(pixels), known.mean, known.std)
        ).numpy()
        return features

    return extract


def _onnx_network(path: Path) -> FeatureFunction:
    """A complete network in an ONNX file, from pictures (b, h, w, 3) uint8 to (b, d) float32."""
    if not path.is_file():
        raise UsageError(f"The teacher {path} is not there.", "See docs/weights.md for where to get it.")
    try:
        import onnxruntime
    except ImportError as error:
        raise package_missing(f"The teacher {path}", "onnxruntime") from error
    session = onnxruntime.InferenceSession(path)
    name = session.get_inputs()[0].name

    def extract(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        features: npt.NDArray[np.float32] = session.run(None, {name: pixels})[0]
        return features

    return extract


def pull_to_class(
    features: npt.NDArray[np.float32], labels: npt.NDArray[np.float32], pull: float
) -> npt.NDArray[np.float32]:
    """Move labelled features towards the mean of their class (or of their classes, evenly).

    Parameters
    ----------
    features
        (n, d).
    labels
        (n, c) of 0 and 1; the features of a row of zeros do not change.
    pull
        0 to 1.
    """
    if pull == 0 or labels.shape[1] == 0:
        return features
    counts = labels.sum(0)[:, None].clip(1)
    shares = labels / labels.sum(1, keepdims=True).clip(1)
    centres = shares @ ((labels.T @ features) / counts)
    share = pull * labels.max(1, keepdims=True)
    moved: npt.NDArray[np.float32] = ((1 - share) * features + share * centres).astype(np.float32)
    return moved


def itq_codes(features: npt.NDArray[np.float32], bits: int, dims: int, seed: int) -> npt.NDArray[np.float32]:
    """Whiten, rotate and sign features; parameters are those of `itq`.

    Returns
    -------
    (n, k) float32, -1 and 1.
    """
    centred = features - features.mean(0)
    return np.where(centred @ itq(features, bits, dims, seed) > 0, 1, -1).astype(np.float32)


def itq(features: npt.NDArray[np.float32], bits: int, dims: int, seed: int) -> npt.NDArray[np.float64]:
    """The whitening and rotation of centred features whose signs lose least.

    Parameters
    ----------
    features
        (n, d), with n and d at least `dims`.
    bits
        k.
    dims
        Number of principal components, at most k.
    seed
        Of the initial rotation.

    Returns
    -------
    (d, k).
    """
    centred = features - features.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    first = slice(-1, -dims - 1, -1)
    whitening = vectors[:, first] / np.sqrt(values[first].clip(1e-8))
    white = centred @ whitening
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(bits, bits)))[0][:dims]
    for _ in range(_ITQ_ITERATIONS):
        codes = np.where(white @ rotation > 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(white.T @ codes, full_matrices=False)
        rotation = left @ right
    projection: npt.NDArray[np.float64] = whitening @ rotation
    return projection
