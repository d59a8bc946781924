"""Target codes from a teacher: what a larger, trained network sees in the unedited pictures, in the bits of a head.

The teacher's pooled features f of every picture are centred, drawn towards the mean of their class where a picture has
one (f <- (1 - p) f + p mean_class(f): codes of a class gather, while classes without labels keep the teacher's geometry),
whitened on their first k principal components, turned by the rotation that loses least when only signs are kept (ITQ:
Gong, Lazebnik, "Iterative Quantization", CVPR 2011, section 3.2) and signed. Whitened, rotated bits are balanced and
nearly independent, which a head that is taught them inherits.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from vtsfind.base.progress import Phase, Progress
from vtsfind.base.records import Preprocessing
from vtsfind.learn.backbones import backbone
from vtsfind.learn.datasets import Pictures
from vtsfind.learn.network import make_backbone, normalise
from vtsfind.learn.spec import NetworkSpec
from vtsfind.learn.starts import load_start
from vtsfind.media.decode import prepare

_ITQ_ROUNDS = 50
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained network whose view of the pictures a head shall learn."""

    backbone: str
    """A name that `vtsfind.learn.backbones.backbone` knows."""
    start: str
    """The file of its weights, relative to the folder of starts."""
    size: int
    """Side of its input, in pixels."""
    pull: float = 0.0
    """p above: 0 keeps the teacher's features, 1 leaves nothing but the class."""


def target_codes(
    teacher: Teacher, pictures: Pictures, starts: Path, *, bits: int, seed: int, progress: Progress
) -> npt.NDArray[np.float32]:
    """Make the code of every picture as the teacher sees it.

    Parameters
    ----------
    teacher, pictures
        Who looks at what.
    starts
        The folder of start weights.
    bits
        k, at most the teacher's width.
    seed
        Of the rotation's start.
    progress
        Told of every picture.

    Returns
    -------
    (n, k) float32, -1 and 1.
    """
    features = _features(teacher, pictures, starts, progress)
    return signed(drawn_to_class(features, pictures.labels, teacher.pull), bits, seed)


@torch.inference_mode()
def _features(
    teacher: Teacher, pictures: Pictures, starts: Path, progress: Progress
) -> npt.NDArray[np.float32]:
    known = backbone(teacher.backbone)
    network = make_backbone(NetworkSpec(teacher.backbone, teacher.size, heads=()))
    load_start(network, starts / teacher.start)
    network.eval()
    look = Preprocessing(size=teacher.size, mean=known.mean, std=known.std)
    progress.start(Phase.TRAIN, len(pictures))
    blocks = []
    for first in range(0, len(pictures), _BATCH):
        rows = range(first, min(first + _BATCH, len(pictures)))
        pixels = np.stack([prepare(pictures.picture(row), look) for row in rows])
        blocks.append(network(normalise(torch.from_numpy(pixels), look.mean, look.std)).numpy())
        progress.advance(len(rows), "teacher")
    features: npt.NDArray[np.float32] = np.concatenate(blocks)
    features /= np.linalg.norm(features, axis=1, keepdims=True).clip(1e-12)
    return features


def drawn_to_class(
    features: npt.NDArray[np.float32], labels: npt.NDArray[np.float32], pull: float
) -> npt.NDArray[np.float32]:
    """Move labelled features towards the mean of their class (or of their classes, evenly).

    Parameters
    ----------
    features
        (n, d).
    labels
        (n, c) of 0 and 1; a row of zeros stays as it is.
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


def signed(features: npt.NDArray[np.float32], bits: int, seed: int) -> npt.NDArray[np.float32]:
    """Whiten, rotate and sign features.

    Parameters
    ----------
    features
        (n, d), with n and d at least k.
    bits
        k.
    seed
        Of the rotation's start.

    Returns
    -------
    (n, k) float32, -1 and 1.
    """
    centred = features - features.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    first = slice(-1, -bits - 1, -1)
    white = centred @ (vectors[:, first] / np.sqrt(values[first].clip(1e-8)))
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(bits, bits)))[0]
    for _ in range(_ITQ_ROUNDS):
        codes = np.where(white @ rotation > 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(codes.T @ white)
        rotation = (left @ right).T
    return np.where(white @ rotation > 0, 1, -1).astype(np.float32)
