"""Other shots of the scene of a photo, drawn from it: what a burst holds, which is no copy.

A photo is taken apart into regions of like colour, each is given a distance, and the camera moves a little: near regions
move against far ones, things behind them come into view (their colours are made up from beside them), one region moves by
itself as people do, the lens is not held straight, and light, noise and compression are those of another moment.
`SHOTS` maps a name to a function of a picture and a random stream.
"""

from collections.abc import Mapping
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.edits import Edit, saved

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Parts = npt.NDArray[np.int32]
REGIONS = 7


def regions(pixels: Pixels, rng: np.random.Generator) -> Parts:
    """Number the regions of like colour and place, (h, w)."""
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (96, 72), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    y, x = np.mgrid[:72, :96].astype(np.float32)
    points = np.column_stack([lab.reshape(-1, 3), 1.2 * x.ravel(), 1.2 * y.ravel()])
    cv2.setRNGSeed(int(rng.integers(1 << 30)))
    rule = (cv2.TERM_CRITERIA_COUNT, 8, 0)
    start = np.zeros((len(points), 1), np.int32)
    _, labels, _ = cv2.kmeans(points, REGIONS, start, rule, 1, cv2.KMEANS_PP_CENTERS)
    labels = np.asarray(labels)
    coarse = cv2.medianBlur(labels.reshape(72, 96).astype(np.uint8), 5)
    parts: Parts = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.int32)
    return parts


def nearness(parts: Parts, rng: np.random.Generator) -> Floats:
    """How near each pixel is, 0 (far) to 1: its region's, and nearer towards the bottom; steep at the regions' edges."""
    height, width = parts.shape
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None].repeat(width, 1)
    table = rng.permutation(np.linspace(0, 1, REGIONS)).astype(np.float32)
    near = 0.65 * table[parts] + 0.35 * down
    return np.asarray(cv2.GaussianBlur(near, (0, 0), 0.006 * width), np.float32)


def moved_region(pixels: Pixels, parts: Parts, rng: np.random.Generator, far: float) -> Pixels:
    """Move one region, by a share of the width; what was behind it is made up.

    A region of which nothing is to be seen when it moves, such as a piece of clear sky, is not taken.
    """
    pieces = _pieces(parts)
    best, most = pixels, -1.0
    for n in rng.permutation(len(pieces))[:6]:
        moved = _with_moved(pixels, pieces[int(n)].astype(np.uint8), rng, far)
        changed = float((np.abs(moved.astype(int) - pixels).max(2) > 24).mean())
        if changed > most:
            best, most = moved, changed
        if changed > 0.015:
            break
    return best


def _pieces(parts: Parts) -> list[npt.NDArray[np.bool_]]:
    """Connected regions of a size to move that stand on the lower edge or free, as people and things do; and discs."""
    height, width = parts.shape
    pieces = []
    for part in range(REGIONS):
        count, labels, stats, _ = cv2.connectedComponentsWithStats((parts == part).astype(np.uint8))
        for n in range(1, count):
            left, top, wide, _, area = (int(v) for v in stats[n])
            if 0.02 < area / parts.size < 0.2 and left > 2 and top > 2 and left + wide < width - 2:
                pieces.append(labels == n)
    y, x = np.mgrid[:height, :width]
    for across, down in ((0.5, 0.5), (0.3, 0.6), (0.7, 0.4)):
        pieces.append(np.hypot(x - across * width, y - down * height) < height / 6)
    return pieces


def _with_moved(pixels: Pixels, piece: Pixels, rng: np.random.Generator, far: float) -> Pixels:
    height, width = piece.shape
    behind = cv2.inpaint(pixels, cv2.dilate(piece, np.ones((5, 5), np.uint8)), 5, cv2.INPAINT_TELEA)
    angle = float(rng.uniform(0, 2 * np.pi))
    middle, turn, growth = (width / 2, height / 2), float(rng.uniform(-6, 6)), float(rng.uniform(0.97, 1.03))
    matrix = cv2.getRotationMatrix2D(middle, turn, growth)
    matrix[:, 2] += far * width * np.array([np.cos(angle), 0.5 * np.sin(angle)])
    frame = width, height
    shifted = cv2.warpAffine(pixels, matrix, frame, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    soft = cv2.GaussianBlur(piece.astype(np.float32), (0, 0), 1)
    weight = cv2.warpAffine(soft, matrix, frame)[:, :, None]
    moved: Pixels = np.rint(behind * (1 - weight) + shifted * weight).astype(np.uint8)
    return moved


def shot(
    image: Image.Image,
    rng: np.random.Generator,
    *,
    parallax: float,
    sway: float,
    moved: float,
    noise: float = 3.0,
) -> Image.Image:
    """Take another shot.

    Parameters
    ----------
    image, rng
        The photo and the random stream.
    parallax
        How far the nearest moves against the farthest, as a share of the width.
    sway
        How far the camera shifts, turns and tilts, as a share of the width.
    moved
        How far one region moves by itself; 0 for not at all.
    noise
        Of the sensor, in levels of 255.
    """
    pixels = np.asarray(image)
    parts = regions(pixels, rng)
    if moved:
        pixels = moved_region(pixels, parts, rng, moved * float(rng.uniform(0.7, 1.3)))
    height, width = parts.shape
    near = nearness(parts, rng)
    angle = float(rng.uniform(0, 2 * np.pi))
    push = parallax * width * float(rng.uniform(0.7, 1.3))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x += near * push * np.cos(angle)
    y += near * push * np.sin(angle)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    tilt = rng.normal(0, sway * 0.15 * width, (4, 2))
    shift = rng.normal(0, sway * width, 2)
    zoom = 1 + float(rng.normal(0, sway))
    middle = corners.mean(0)
    turn = float(rng.normal(0, 20 * sway))
    held = (
        (corners - middle)
        * zoom
        @ np.array(
            [
                [np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))],
                [-np.sin(np.deg2rad(turn)), np.cos(np.deg2rad(turn))],
            ]
        )
    )
    view = cv2.getPerspectiveTransform(corners, (held + middle + shift + tilt).astype(np.float32))
    places = np.asarray(cv2.perspectiveTransform(np.stack([x, y], -1), view), np.float32)
    # Keep what is in view of both: the frame never shows made-up edges.
    inside = _kept(places, width, height)
    seen = cv2.remap(
        pixels, places[:, :, 0], places[:, :, 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )[inside]
    light = float(rng.uniform(0.93, 1.07)) * rng.uniform(0.985, 1.015, 3)
    grain = rng.normal(0, noise, seen.shape)
    return saved(Image.fromarray(np.clip(np.rint(seen * light + grain), 0, 255).astype(np.uint8)), "JPEG", 92)


def _kept(places: Floats, width: int, height: int) -> tuple[slice, slice]:
    """The largest centred window in which every place is in the picture."""
    fine = (
        (places[:, :, 0] >= 0)
        & (places[:, :, 0] < width)
        & (places[:, :, 1] >= 0)
        & (places[:, :, 1] < height)
    )
    for cut in np.arange(0, 0.35, 0.01):
        rows, columns = (
            slice(round(cut * height), round((1 - cut) * height)),
            slice(round(cut * width), round((1 - cut) * width)),
        )
        if fine[rows, columns].all():
            break
    return rows, columns


SHOTS: Mapping[str, Edit] = {
    "hand-held, near": partial(shot, parallax=0.05, sway=0.03, moved=0.05),
    "hand-held": partial(shot, parallax=0.025, sway=0.02, moved=0.04),
    "hand-held, far": partial(shot, parallax=0.010, sway=0.01, moved=0.03),
    "panned": partial(shot, parallax=0.03, sway=0.10, moved=0.04),
    "tripod": partial(shot, parallax=0.0, sway=0.0, moved=0.06),
    "tripod, slight": partial(shot, parallax=0.002, sway=0.001, moved=0.02),
}
