"""Pictures full of detail at all scales, as photographs are: local features are found on them."""

import numpy as np
from PIL import Image


def photograph(seed: int, width: int = 384, height: int = 288) -> Image.Image:
    """Draw shapes of every size over a soft background; something else for every seed."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for cells, weight in ((3, 0.9), (8, 0.6), (20, 0.5), (60, 0.4)):
        grid = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        layer = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        total += weight * (np.asarray(layer, np.float64) - 128)
    pixels = np.clip(total + 128, 0, 255).astype(np.uint8)
    for _ in range(60):
        side = int(random.integers(6, 50))
        x, y = int(random.integers(0, width - side)), int(random.integers(0, height - side))
        pixels[y : y + side, x : x + side // 2 + 1] = random.integers(0, 256, 3)
    return Image.fromarray(pixels)
