"""What a radius costs: bounds, the radius for a rate, and the file that keeps the curve."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.base.errors import DiskFull, UsageError
from vtsfind.base.records import Head, Signature
from vtsfind.engine.calibration.bounds import lower_share, running_max, upper_rate, upper_share
from vtsfind.engine.calibration.measure import false_rates
from vtsfind.engine.library.curve import NAME, Curve, read_curve, write_curve
from vtsfind.engine.library.radius import radius_for
from vtsfind.find.hamming.distance_histogram import DistanceHistogram, TimeRelation

SIGNATURE = Signature("model", "f" * 64, (Head("copy", 256), Head("scene", 128)))
CURVE = Curve(
    fingerprint=SIGNATURE.fingerprint,
    head="copy",
    bits=256,
    made="2026-10-02T12:00:00Z",
    photos=1000,
    sample=1000,
    pairs=499_500,
    near_in_time=10,
    looked=50,
    unseen=0,
    edited=200,
    edits=3,
    rate=(0.0, 0.0, 1e-5, 1e-3),
    at_most=(6e-6, 6e-6, 3e-5, 2e-3),
    bursts=(0.0, 0.0, 0.5, 1.0),
    mild=(0.1, 0.5, 0.9, 1.0),
    mild_at_least=(0.08, 0.45, 0.87, 0.99),
    hard=(0.0, 0.1, 0.5, 0.9),
    hard_at_least=(0.0, 0.08, 0.45, 0.87),
)


def poisson_tail(events: int, mean: float) -> float:
    return sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(events + 1))


@pytest.mark.parametrize("events", [0, 1, 5, 50])
def test_the_bound_of_a_rate_is_that_of_a_poisson_count(events: int) -> None:
    bound = upper_rate(events, 10**6) * 10**6
    assert poisson_tail(events, bound) == pytest.approx(0.05, abs=0.003)


@given(st.floats(0, 1e6), st.floats(1, 50))
def test_pairs_that_depend_on_each_other_prove_less(events: float, inflation: float) -> None:
    assert upper_rate(events, 10**9, inflation) >= upper_rate(events, 10**9) * (1 - 1e-9)
    assert upper_rate(events, 10**9) > events / 10**9


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_the_bounds_of_a_share_hold_it(share: float, trials: int) -> None:
    assert 0 <= lower_share(share, trials) <= share + 1e-9
    assert share - 1e-9 <= upper_share(share, trials) <= 1


def test_nothing_is_known_from_no_trials() -> None:
    assert (upper_rate(0, 0), upper_share(0.5, 0), lower_share(0.5, 0)) == (1.0, 1.0, 0.0)


def test_what_holds_within_a_radius_holds_within_a_larger_one() -> None:
    assert running_max([0.1, 0.3, 0.2]) == (0.1, 0.3, 0.3)


def counted(counts: np.ndarray, drawn_of: int, n: int) -> DistanceHistogram:
    sampled_pairs = {(TimeRelation.UNDETERMINED, 0): np.zeros((drawn_of, 2), np.int64)}
    return DistanceHistogram(
        counts,
        n * (n - 1),
        0,
        0.5,
        sampled_pairs,
        {(TimeRelation.UNDETERMINED, 0): int(counts[TimeRelation.UNDETERMINED].sum() / 2)},
    )


def test_copies_that_were_seen_to_be_copies_do_not_count_as_false_merges() -> None:
    counts = np.zeros((3, 100, 9), np.int64)
    counts[TimeRelation.UNDETERMINED, :40, 2] = 1
    distance_histogram = counted(counts, 20, 100)
    rate, at_most = false_rates(distance_histogram, {(TimeRelation.UNDETERMINED, 0): (0.0, 0.0)})
    assert max(rate) == 0
    assert at_most[-1] == pytest.approx(upper_rate(0, 4950))
    rate, at_most = false_rates(distance_histogram, {})
    assert rate[1] == 0
    assert rate[2] == pytest.approx(40 / 9900)
    assert at_most[2] > rate[2]


def test_a_few_photos_with_many_neighbours_make_the_bound_wider() -> None:
    spread, heaped = (np.zeros((3, 100, 9), np.int64) for _ in range(2))
    spread[TimeRelation.APART, :, 3] = 1
    heaped[TimeRelation.APART, :2, 3] = 50
    even, uneven = (false_rates(counted(each, 0, 100), {}) for each in (spread, heaped))
    assert even[0] == pytest.approx(uneven[0])
    assert uneven[1][3] > 1.5 * even[1][3]
    assert uneven[1][0] > 5 * even[1][0]


def test_the_radius_is_the_largest_that_keeps_the_promise(tmp_path: Path) -> None:
    write_curve(tmp_path, CURVE)
    assert radius_for(tmp_path, SIGNATURE, 1e-5) == 1
    assert radius_for(tmp_path, SIGNATURE, 3e-5) == 2
    assert radius_for(tmp_path, SIGNATURE, 1.0) == 3
    with pytest.raises(UsageError, match=r"By 499,500 pairs of photos no rate of 1e-06 can be promised"):
        radius_for(tmp_path, SIGNATURE, 1e-6)
    with pytest.raises(UsageError, match="not a false-match rate"):
        radius_for(tmp_path, SIGNATURE, 0.0)


def test_without_a_calibration_only_measured_rates_are_promised(tmp_path: Path) -> None:
    assert radius_for(tmp_path, SIGNATURE, 1e-4) == 64
    assert radius_for(tmp_path, SIGNATURE, 5e-3) == 80
    half = replace(SIGNATURE, heads=(Head("copy", 128),))
    assert radius_for(tmp_path, half, 1e-4) == 32
    with pytest.raises(UsageError, match="Run `vtsfind calibrate`"):
        radius_for(tmp_path, SIGNATURE, 1e-5)
    with pytest.raises(UsageError, match="no codes 'copy'"):
        radius_for(tmp_path, replace(SIGNATURE, heads=(Head("scene", 64),)), 1e-4)


def test_a_curve_survives_being_kept_and_one_of_another_model_does_not_count(tmp_path: Path) -> None:
    write_curve(tmp_path, CURVE)
    assert read_curve(tmp_path, SIGNATURE) == CURVE
    assert read_curve(tmp_path, replace(SIGNATURE, fingerprint="0" * 64)) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"format":"vtsfind calibration","version":1}', b"\xff"]
)
def test_a_damaged_curve_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert read_curve(tmp_path, SIGNATURE) is None


def test_a_curve_that_cannot_be_written_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_curve(tmp_path, CURVE)

    def full(_path: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vtsfind.engine.library.curve.replace_file", full)
    with pytest.raises(DiskFull):
        write_curve(tmp_path, replace(CURVE, photos=5))
    assert read_curve(tmp_path, SIGNATURE) == CURVE
