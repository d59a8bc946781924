"""Target codes: what whitening, turning and signing make of a teacher's features."""

import numpy as np

from vtsfind.learn.training.distillation import itq_codes, pull_to_class


def features(n: int = 2000, d: int = 40) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 5
    return mixed.astype(np.float32)


def test_bits_of_the_targets_are_balanced_and_nearly_independent() -> None:
    codes = itq_codes(features(), 16, 16, seed=1)
    assert codes.shape == (2000, 16)
    assert set(np.unique(codes)) == {-1.0, 1.0}
    assert np.abs(codes.mean(0)).max() < 0.1
    correlation = np.corrcoef(codes.T)
    assert np.abs(correlation - np.eye(16)).max() < 0.15


def test_fewer_components_than_bits_still_give_balanced_bits() -> None:
    codes = itq_codes(features(), 32, 8, seed=1)
    assert codes.shape == (2000, 32)
    assert np.abs(codes.mean(0)).max() < 0.1


def test_near_features_get_near_targets() -> None:
    base = features()
    noise = np.random.default_rng(1).normal(size=base.shape) * base.std(0) * 0.05
    codes = itq_codes(np.concatenate([base, base + noise.astype(np.float32)]), 16, 16, seed=1)
    same = (codes[:2000] != codes[2000:]).sum(1).mean()
    other = (codes[:1999] != codes[1:2000]).sum(1).mean()
    assert same < 0.25 * other


def test_the_same_seed_gives_the_same_targets() -> None:
    assert np.array_equal(itq_codes(features(), 16, 16, seed=4), itq_codes(features(), 16, 16, seed=4))


def test_a_full_pull_leaves_the_mean_of_the_class_and_spares_unlabelled_pictures() -> None:
    values = np.array([[0.0], [2.0], [10.0], [5.0]], np.float32)
    labels = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], np.float32)
    assert pull_to_class(values, labels, 1.0)[:, 0].tolist() == [1.0, 1.0, 10.0, 5.0]
    assert pull_to_class(values, labels, 0.5)[:, 0].tolist() == [0.5, 1.5, 10.0, 5.0]
    assert pull_to_class(values, labels, 0.0) is values


def test_a_picture_of_two_classes_is_pulled_to_between_them() -> None:
    values = np.array([[0.0], [8.0], [4.0]], np.float32)
    labels = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    pulled = pull_to_class(values, labels, 1.0)
    assert pulled[2, 0] == (2.0 + 6.0) / 2
