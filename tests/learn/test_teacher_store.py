"""What a teacher sees is kept by content, beside the teacher."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from vtsfind.base.errors import StorageError
from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.learn.data.formats import Pictures
from vtsfind.learn.data.formats.pictures import ArrayReader
from vtsfind.learn.recipes import Teacher
from vtsfind.learn.training.teacher_store import ExtractFeatures, Features, Pixels, TeacherStore

TEACHER = Teacher(backbone="", start="teacher.onnx", size=8)


@pytest.fixture
def starts(tmp_path: Path) -> Path:
    (tmp_path / TEACHER.start).write_bytes(b"weights")
    return tmp_path


def pictures(count: int, seed: int = 0) -> Pictures:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 5, 7, 3), np.uint8)
    return Pictures((), np.zeros((count, 0), np.float32), (ArrayReader(pixels),), (0, count))


class Recorder:
    """A teacher that counts what it is shown."""

    def __init__(self) -> None:
        self.shown = 0

    def __call__(self) -> ExtractFeatures:
        return self.see

    def see(self, shown: Sequence[Pixels]) -> Features:
        self.shown += len(shown)
        return np.stack([pixels.astype(np.float32).mean((0, 1)) for pixels in shown])


def features(shown: Pictures, starts: Path, teacher: Recorder) -> Features:
    return TeacherStore(TEACHER, starts).features(shown, teacher, SilentProgress(), CancelToken())


def test_a_picture_is_shown_to_the_teacher_once_in_any_order_and_any_set(starts: Path) -> None:
    teacher, all_pictures = Recorder(), pictures(40)
    first = features(all_pictures, starts, teacher)
    backwards = features(all_pictures.subset(np.arange(40)[::-1]), starts, teacher)
    assert teacher.shown == 40
    assert np.array_equal(first, backwards[::-1])
    features(pictures(3, seed=1), starts, teacher)
    assert teacher.shown == 43


def test_without_its_network_what_a_teacher_saw_is_still_there(starts: Path) -> None:
    first = features(pictures(5), starts, Recorder())
    (starts / TEACHER.start).unlink()
    teacher = Recorder()
    assert np.array_equal(features(pictures(5), starts, teacher), first)
    assert teacher.shown == 0


def test_another_network_of_the_same_name_sees_everything_anew(starts: Path) -> None:
    features(pictures(5), starts, Recorder())
    (starts / TEACHER.start).write_bytes(b"other weights")
    teacher = Recorder()
    features(pictures(5), starts, teacher)
    assert teacher.shown == 5


def test_a_damaged_file_is_named_and_not_used(starts: Path) -> None:
    features(pictures(5), starts, Recorder())
    (file,) = starts.glob("*.features.npz")
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(StorageError, match=r"teacher\.onnx\.8\.features\.npz cannot be read.*Remove"):
        features(pictures(5), starts, Recorder())


def test_features_are_kept_to_half_precision(starts: Path) -> None:
    expected = np.stack([pictures(4).picture(row).astype(np.float32).mean((0, 1)) for row in range(4)])
    assert np.allclose(features(pictures(4), starts, Recorder()), expected, rtol=1e-3)
