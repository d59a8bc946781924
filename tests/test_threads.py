"""Work on several threads, and how many threads a product of matrices takes meanwhile."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from vtsfind.find.threads import SINGLE_THREADED_BLAS, opencv, run_in_threads


def blas_threads() -> set[int]:
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def _three() -> Iterator[None]:
    """Let products take three threads, as they would on a machine with three cores."""
    opencv()
    with threadpool_limits(limits=3, user_api="blas"):
        assert blas_threads() == {3}
        yield


def test_every_part_is_taken_once() -> None:
    for threads in (1, 2, 5):
        assert sorted(n for part in run_in_threads(range(40), list, threads) for n in part) == list(range(40))


def test_products_take_one_thread_while_several_share_work() -> None:
    def work(parts: Iterator[int]) -> list[set[int]]:
        return [blas_threads() for _ in parts]

    assert [seen for part in run_in_threads(range(6), work, 2) for seen in part] == [{1}] * 6
    assert blas_threads() == {3}
    assert run_in_threads(range(2), work, 1) == [[{3}] * 2]


def test_the_last_to_leave_gives_products_their_threads_back() -> None:
    with SINGLE_THREADED_BLAS:
        with SINGLE_THREADED_BLAS:
            assert blas_threads() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == {3}


def test_work_that_fails_gives_products_their_threads_back() -> None:
    def work(parts: Iterator[int]) -> None:
        raise ValueError(next(parts))

    with pytest.raises(ValueError, match="0"):
        run_in_threads(range(6), work, 2)
    assert blas_threads() == {3}
