"""Medians and quantiles: the same as NumPy's, to the last bit."""

import numpy as np
import pytest

from vtsfind.find.verification.quantiles import Values, median, quantile, quantiles_of_sorted

SIZES = (1, 2, 3, 10, 499, 4095, 4096, 20_000, 20_001)
SHARES = (0.0, 0.02, 0.1, 0.5, 0.75, 0.8, 0.98, 1.0)


def _values(kind: str, size: int) -> Values:
    random = np.random.default_rng(size)
    if kind == "few":
        return random.integers(0, 5, size).astype(np.float32)
    values = random.standard_normal(size)
    if kind == "rising":  # a sample of every n-th value tells ranks exactly
        values.sort()
    elif kind == "striped":  # such a sample sees one sort of value only
        values[:: max(1, size // 1024)] += 100
    return values.astype(np.float64 if kind == "double" else np.float32)


@pytest.fixture(params=["normal", "double", "few", "rising", "striped"])
def kind(request: pytest.FixtureRequest) -> str:
    """A sort of values."""
    return str(request.param)


@pytest.mark.parametrize("size", SIZES)
def test_medians_are_those_of_numpy(kind: str, size: int) -> None:
    values = _values(kind, size)
    before = values.copy()
    assert median(values) == np.median(values)
    assert median(values.reshape(1, -1)).dtype == values.dtype
    assert (values == before).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("share", SHARES)
def test_quantiles_are_those_of_numpy(kind: str, size: int, share: float) -> None:
    values = _values(kind, size)
    assert quantile(values, share) == np.quantile(values, share)
    assert quantile(values, np.float64(share)) == np.quantile(values, [share])[0]


@pytest.mark.parametrize("size", SIZES)
def test_quantiles_of_sorted_values_are_those_of_numpy(kind: str, size: int) -> None:
    values = np.sort(_values(kind, size))
    assert (quantiles_of_sorted(values, np.array(SHARES)) == np.quantile(values, SHARES)).all()
