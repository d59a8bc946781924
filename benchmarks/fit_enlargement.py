"""Fit the weights of `vtsfind.media.enlargement`, and measure them on other photos.

    python -m benchmarks.fit_enlargement --photos FOLDER [--every N] [--write]

Every N-th photo is enlarged by 1.2 to 3, by four filters, or made smaller or left as it is, and saved as JPEG of different qualities.
Half of the photos are for fitting, half for measuring. With --write the figures and weights go to docs/results/fit_enlargement.json.
"""

import argparse
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.families.drawing import Rng, photos_in, seed_of
from benchmarks.machine import write_result
from vtsfind.media.enlargement import Middle, traces

FILTERS = (
    Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS
)  # fmt: skip
RIDGE = 1.0
SMALLEST = 128
"""Shorter side, in pixels."""
STEPS = 30
WHOLE_FACTORS = (2.0, 3.0)
Floats = npt.NDArray[np.float64]


def saved(image: Image.Image, quality: int) -> Image.Image:
    """A picture, saved as JPEG and read again."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def resized(image: Image.Image, factor: float, method: Image.Resampling) -> Image.Image:
    """In another size."""
    return image.resize((round(image.width * factor), round(image.height * factor)), method)


def samples(path: Path, rng: Rng) -> list[tuple[Floats, bool]]:
    """The traces in versions of a photo, and whether they are enlarged."""
    image = Image.open(path).convert("RGB")
    if rng.random() < 0.5:
        image = resized(image, float(rng.uniform(0.6, 0.95)), Image.Resampling.LANCZOS)
    base = saved(image, int(rng.integers(80, 97)))
    plain = [saved(image, quality) for quality in (95, 85, 60)]
    plain += [saved(resized(image, float(rng.uniform(0.4, 0.9)), Image.Resampling.BICUBIC), 85), image]
    large = []
    for method in FILTERS * 2:
        factor = float(rng.choice(WHOLE_FACTORS) if rng.random() < 0.2 else rng.uniform(1.2, 3))
        large.append(saved(resized(base, factor, method), int(rng.integers(80, 99))))
    found = [
        (traces(Middle.of(np.asarray(each))), each in large)
        for each in plain + large
        if min(each.size) >= SMALLEST
    ]
    return [(each, label) for each, label in found if each is not None]


def fitted(x: Floats, y: Floats) -> Floats:
    """Weights and bias of a logistic regression, by Newton's method, both classes of one weight."""
    mean, scale = x.mean(0), x.std(0)
    z = np.column_stack([(x - mean) / scale, np.ones(len(x))])
    share = np.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    weights = np.zeros(z.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-(z @ weights)))
        gradient = z.T @ (share * (p - y)) + RIDGE * weights
        curvature = (z * (share * p * (1 - p))[:, None]).T @ z + RIDGE * np.eye(z.shape[1])
        weights -= np.linalg.solve(curvature, gradient)
    own = weights[:-1] / scale
    return np.append(own, weights[-1] - own @ mean)


def main() -> None:
    """Fit, measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    halves: list[tuple[Floats, Floats]] = []
    photos = photos_in(given.photos)[:: given.every]
    for half in (photos[::2], photos[1::2]):
        made = [
            one
            for path in half
            for one in samples(path, np.random.default_rng(seed_of("enlarged", path.stem)))
        ]
        halves.append((np.array([x for x, _ in made]), np.array([float(y) for _, y in made])))
    weights = fitted(*halves[0])
    x, y = halves[1]
    p = 1 / (1 + np.exp(-(x @ weights[:-1] + weights[-1])))
    figures: dict[str, Any] = {
        "photos": len(photos),
        "pictures": len(halves[0][1]) + len(y),
        "weights": [round(float(each), 4) for each in weights],
        "enlargements above": {str(t): round(float((p[y > 0] > t).mean()), 4) for t in (0.2, 0.5, 0.8)},
        "other pictures above": {str(t): round(float((p[y == 0] > t).mean()), 4) for t in (0.2, 0.5, 0.8)},
    }
    print(json.dumps(figures, indent=1))
    if given.write:
        write_result("fit_enlargement", figures)


if __name__ == "__main__":
    main()
