"""Tests of learning use tiny networks, for which more threads only cost time."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)
