"""Seeds for torch."""

import numpy as np


def seed_number(*numbers: int) -> int:
    """One seed from several numbers."""
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]
    return int(state >> np.uint64(1))
