"""How one picture is told to be mixed into another, block by block."""

import numpy as np
import pytest
from support.drawn_photos import scene

from vtsfind.find.features.features import Floats
from vtsfind.find.verification.blocks import BLOCK_PX, BlockStatistics

SIDE = 16 * BLOCK_PX
EVERYWHERE = np.ones((SIDE, SIDE), bool)


def grey(seed: int) -> Floats:
    noise = np.random.default_rng(seed).normal(0, 30, (SIDE // 4, SIDE // 4)).repeat(4, 0).repeat(4, 1)
    drawn = np.asarray(scene(seed, SIDE, SIDE).convert("L"), np.float32)
    return (drawn + noise).astype(np.float32)


@pytest.mark.parametrize("share", [0.5, 0.75])
def test_what_shines_through_leaves_the_same_contrast_everywhere(share: float) -> None:
    photo, other = grey(1), grey(2)
    mixture = share * photo + (1 - share) * other
    for blocks in (BlockStatistics(photo, mixture, EVERYWHERE), BlockStatistics(mixture, photo, EVERYWHERE)):
        gain, even, changed = blocks.mixing()
        assert gain == pytest.approx(share, abs=0.12)
        assert even > 0.75
        assert changed > 0.5


def test_what_took_a_place_leaves_nothing_of_the_photo_there() -> None:
    photo = grey(1)
    changed = 0.75 * photo
    changed[:, : SIDE // 4] = grey(2)[:, : SIDE // 4]
    gain, even, there = BlockStatistics(photo, changed, EVERYWHERE).mixing()
    assert gain == pytest.approx(0.75, abs=0.02)
    assert even == pytest.approx(0.75, abs=0.1)
    assert there < 0.35


def test_a_blank_picture_is_mixed_with_nothing() -> None:
    blank = np.zeros((SIDE, SIDE), np.float32)
    assert BlockStatistics(blank, blank, EVERYWHERE).mixing() == (1.0, 0.0, 0.0)
