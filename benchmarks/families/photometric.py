"""Edits of what a photo's pixels are, each in place: blur, sharpening, noise, tone, colour, compression."""

import io
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from benchmarks.families.drawing import Floats, Rng, chance, log_uniform, pick

RESAMPLING = (
    Image.Resampling.NEAREST,
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


def pixels(image: Image.Image) -> Floats:
    """A picture's values, (h, w, 3) float32 of 0 to 255."""
    return np.asarray(image.convert("RGB"), np.float32)


def picture(values: npt.NDArray[Any]) -> Image.Image:
    """Undo `pixels`; what is out of range is clipped."""
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def short(image: Image.Image) -> int:
    """The shorter side in pixels."""
    return min(image.size)


def convolved(image: Image.Image, kernel: Floats) -> Image.Image:
    """Filter by a kernel that is scaled to a sum of 1."""
    return picture(cv2.filter2D(pixels(image), -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT))


def gaussian_blur(image: Image.Image, rng: Rng) -> Image.Image:
    """Deviation of 0.2 to 2 % of the shorter side."""
    return image.filter(ImageFilter.GaussianBlur(log_uniform(rng, 0.002, 0.02) * short(image)))


def box_blur(image: Image.Image, rng: Rng) -> Image.Image:
    """Boxes of 1 to 6 % of the shorter side."""
    return image.filter(ImageFilter.BoxBlur(log_uniform(rng, 0.005, 0.03) * short(image)))


def motion_blur(image: Image.Image, rng: Rng) -> Image.Image:
    """A straight or bent track of 1 to 6 % of the shorter side."""
    length = max(3.0, log_uniform(rng, 0.01, 0.06) * short(image))
    side = 2 * int(length) + 3
    kernel = np.zeros((side, side), np.float32)
    angle, bend = rng.uniform(0, np.pi), rng.normal(0, 0.3)
    for step in np.linspace(-0.5, 0.5, 8 * side):
        x, y = step * length * np.cos(angle + bend * step), step * length * np.sin(angle + bend * step)
        kernel[round(side / 2 - 0.5 + y), round(side / 2 - 0.5 + x)] += 1
    return convolved(image, kernel)


def lens_blur(image: Image.Image, rng: Rng) -> Image.Image:
    """A disc or polygon of a radius of 0.5 to 3 %, lights spread more than darks."""
    radius = max(1.5, log_uniform(rng, 0.005, 0.03) * short(image))
    y, x = np.mgrid[-int(radius) - 1 : int(radius) + 2, -int(radius) - 1 : int(radius) + 2]
    blades = int(rng.integers(5, 9)) if chance(rng, 0.5) else 100
    edge = np.cos(np.pi / blades) / np.cos(np.mod(np.arctan2(y, x), 2 * np.pi / blades) - np.pi / blades)
    kernel = (np.hypot(x, y) <= radius * edge).astype(np.float32)
    power = rng.uniform(1, 3)
    light = (pixels(image) / 255) ** power
    spread = cv2.filter2D(light, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    return picture(255 * np.maximum(spread, 0) ** (1 / power))


def sharpened(image: Image.Image, rng: Rng) -> Image.Image:
    """Unsharp mask: radius of 0.5 to 5 pixels, amount of 0.5 to 4; or a 3 x 3 kernel."""
    if chance(rng, 0.3):
        centre = log_uniform(rng, 0.2, 2.0)
        kernel = np.full((3, 3), -centre / 8, np.float32)
        kernel[1, 1] = 1 + centre
        return convolved(image, kernel)
    amount, radius = round(100 * log_uniform(rng, 0.5, 4)), log_uniform(rng, 0.5, 5)
    return image.filter(ImageFilter.UnsharpMask(radius, amount, int(rng.integers(0, 4))))


def gaussian_noise(image: Image.Image, rng: Rng) -> Image.Image:
    """Deviation of 4 to 50 levels, in grey or in colour, in grains of one to three pixels."""
    grain = float(rng.choice([1, 1, 1.5, 2, 3]))
    size = max(1, round(image.width / grain)), max(1, round(image.height / grain))
    channels = [rng.normal(0, 1, size[::-1]).astype(np.float32) for _ in range(int(rng.choice([1, 3])))]
    coarse = [cv2.resize(one, image.size, interpolation=cv2.INTER_CUBIC) for one in channels]
    noise = np.stack(coarse, -1) if len(coarse) == 3 else coarse[0][:, :, None]
    return picture(pixels(image) + log_uniform(rng, 4, 50) * noise)


def shot_noise(image: Image.Image, rng: Rng) -> Image.Image:
    """Photons counted: 8 to 400 at white; or speckle in proportion to the light."""
    values = pixels(image)
    if chance(rng, 0.5):
        most = log_uniform(rng, 8, 400)
        return picture(rng.poisson(values / 255 * most).astype(np.float32) * np.float32(255 / most))
    return picture(values * (1 + rng.normal(0, log_uniform(rng, 0.04, 0.4), values.shape)).astype(np.float32))


def impulse_noise(image: Image.Image, rng: Rng) -> Image.Image:
    """White and black, or coloured pixels: 0.3 to 10 % of all."""
    values = pixels(image)
    hit = rng.random(values.shape[:2]) < log_uniform(rng, 0.003, 0.1)
    dots = (
        rng.integers(0, 256, (int(hit.sum()), 3))
        if chance(rng, 0.3)
        else 255 * rng.integers(0, 2, (int(hit.sum()), 1))
    )
    values[hit] = dots
    return picture(values)


def exposure(image: Image.Image, rng: Rng) -> Image.Image:
    """Brightness and contrast with clipping: gain of 0.4 to 2.6 about a grey, shift of up to 90 levels.

    Where that would clip more than half of all values, it is drawn again, a little weaker each time.
    """
    values = changed = pixels(image)
    for weaker in np.linspace(1, 0.1, 10):
        middle = rng.uniform(90, 160)
        gain = log_uniform(rng, 0.4, 2.6) ** weaker
        changed = (values - middle) * gain + middle + weaker * rng.uniform(-90, 90)
        if ((changed < 0) | (changed > 255)).mean() < 0.5:
            break
    return picture(changed)


def gamma(image: Image.Image, rng: Rng) -> Image.Image:
    """Exponents of 0.35 to 2.8."""
    return picture(255 * (pixels(image) / 255) ** np.float32(log_uniform(rng, 0.35, 2.8)))


def _curve(rng: Rng, strength: float) -> npt.NDArray[Any]:
    """A rising curve through a few points, (256,) from about 0 to 255."""
    knots = int(rng.integers(3, 7))
    steps = np.exp(rng.normal(0, strength, knots))
    low, high = rng.uniform(0, 60), rng.uniform(195, 255)
    points = low + (high - low) * np.append(0, np.cumsum(steps)) / steps.sum()
    curve: npt.NDArray[Any] = np.interp(np.arange(256), np.linspace(0, 255, knots + 1), points)
    return curve


def tone_curve(image: Image.Image, rng: Rng) -> Image.Image:
    """A bent curve for all channels, or one for each."""
    strength = rng.uniform(0.2, 0.9)
    curves = (
        [_curve(rng, strength)] * 3 if chance(rng, 0.5) else [_curve(rng, 0.6 * strength) for _ in range(3)]
    )
    return image.convert("RGB").point([int(v) for curve in curves for v in curve])


def local_contrast(image: Image.Image, rng: Rng) -> Image.Image:
    """Detail raised where there is little of it, as phones and apps do."""
    lab = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2LAB)
    tiles = int(rng.integers(2, 12))
    equaliser = cv2.createCLAHE(log_uniform(rng, 1, 6), (tiles, tiles))
    lab[:, :, 0] = equaliser.apply(lab[:, :, 0])
    return Image.fromarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def vignette(image: Image.Image, rng: Rng) -> Image.Image:
    """Corners darkened or brightened, the middle anywhere near the middle."""
    y, x = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j].astype(np.float32)
    far = np.hypot(x - rng.uniform(-0.3, 0.3), y - rng.uniform(-0.3, 0.3)) / np.sqrt(2)
    weight = np.clip(rng.uniform(0.3, 1.0) * far ** rng.uniform(1.5, 4), 0, 1)[:, :, None]
    edge = 255.0 if chance(rng, 0.2) else 0.0
    return picture(pixels(image) * (1 - weight) + edge * weight)


def faded(image: Image.Image, rng: Rng) -> Image.Image:
    """Half transparent on one colour: 10 to 70 % of it."""
    ground = 255.0 if chance(rng, 0.5) else rng.integers(0, 256, 3)
    share = rng.uniform(0.1, 0.7)
    return picture((1 - share) * pixels(image) + share * np.asarray(ground, np.float32))


def light_leak(image: Image.Image, rng: Rng) -> Image.Image:
    """A gradient of one colour laid over, from one side to the other."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j].astype(np.float32)
    along = np.clip(
        (x * np.cos(angle) + y * np.sin(angle) + rng.uniform(-0.6, 0.6)) * rng.uniform(0.4, 1.5), 0, 1
    )
    weight = (rng.uniform(0.3, 0.8) * along)[:, :, None]
    tint = rng.integers(0, 256, 3).astype(np.float32)
    values = pixels(image)
    laid = 255 - (255 - values) * (255 - tint) / 255 if chance(rng, 0.5) else tint
    return picture(values * (1 - weight) + laid * weight)


def _in_hsv(image: Image.Image, hue: float, saturation: float) -> Image.Image:
    hsv = cv2.cvtColor(pixels(image) / 255, cv2.COLOR_RGB2HSV)
    hsv[:, :, 0] = (hsv[:, :, 0] + hue) % 360
    hsv[:, :, 1] = np.clip(hsv[:, :, 1] * saturation, 0, 1)
    return picture(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def hue(image: Image.Image, rng: Rng) -> Image.Image:
    """Colours turned by any angle."""
    return _in_hsv(image, rng.uniform(12, 348), 1)


def saturation(image: Image.Image, rng: Rng) -> Image.Image:
    """Less colour or up to three times as much."""
    return _in_hsv(image, 0, rng.uniform(0, 0.7) if chance(rng, 0.5) else rng.uniform(1.4, 3.0))


def white_balance(image: Image.Image, rng: Rng) -> Image.Image:
    """Channels scaled, each by 0.6 to 1.6."""
    return picture(pixels(image) * np.exp(rng.uniform(-0.5, 0.5, 3)).astype(np.float32))


def tinted(image: Image.Image, rng: Rng) -> Image.Image:
    """Sepia, or dark and light of any two colours, wholly or in part."""
    grey = pixels(image) @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    ends = np.array([(40, 26, 13), (255, 240, 192)], np.float32)
    if chance(rng, 0.6):
        ends[:] = rng.integers(0, 90, 3), rng.integers(165, 256, 3)
    tint = ends[0] + (ends[1] - ends[0]) * grey[:, :, None]
    share = rng.uniform(0.6, 1.0)
    return picture(share * tint + (1 - share) * pixels(image))


def black_and_white(image: Image.Image, rng: Rng) -> Image.Image:
    """A mixture of the channels, with more or less contrast."""
    grey = pixels(image) @ rng.dirichlet([2, 3, 1.5]).astype(np.float32)
    grey = (grey - 128) * log_uniform(rng, 0.7, 1.8) + 128
    return picture(np.repeat(grey[:, :, None], 3, 2))


def posterised(image: Image.Image, rng: Rng) -> Image.Image:
    """Three to eight levels a channel."""
    steps = int(rng.integers(3, 9)) - 1
    return picture(np.rint(pixels(image) / 255 * steps) * (255 / steps))


def palette(image: Image.Image, rng: Rng) -> Image.Image:
    """4 to 128 colours, spread by dither or not, as GIF has them."""
    dither = Image.Dither.FLOYDSTEINBERG if chance(rng, 0.6) else Image.Dither.NONE
    method = Image.Quantize.MEDIANCUT if chance(rng, 0.5) else Image.Quantize.MAXCOVERAGE
    colours = round(log_uniform(rng, 4, 128))
    table = image.quantize(colours, method)
    return image.quantize(colours, palette=table, dither=dither).convert("RGB")


def dithered(image: Image.Image, rng: Rng) -> Image.Image:
    """Black and white dots: error diffusion or an ordered screen, a channel each or grey."""
    if chance(rng, 0.4):
        return image.convert("L").convert("1").convert("RGB")
    order = np.array([[0, 2], [3, 1]])
    for _ in range(int(rng.integers(1, 3))):
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    screen = (order + 0.5) / order.size * 255
    tiles = -(-np.array(image.size[::-1]) // len(screen))
    threshold = np.tile(screen, tiles)[: image.height, : image.width, None]
    values = pixels(image)
    if chance(rng, 0.5):
        values = np.repeat(values.mean(2, keepdims=True), 3, 2)
    return picture(255 * (values > threshold).astype(np.float32))


def saved(image: Image.Image, kind: str, **options: int) -> Image.Image:
    """Save and read a picture."""
    file = io.BytesIO()
    image.convert("RGB").save(file, kind, **options)
    return Image.open(file).convert("RGB")


def jpeg(image: Image.Image, rng: Rng) -> Image.Image:
    """All qualities, each doubling as likely; with and without coarser colour."""
    return saved(image, "JPEG", quality=round(log_uniform(rng, 3, 95)), subsampling=int(rng.integers(3)))


def webp(image: Image.Image, rng: Rng) -> Image.Image:
    """All qualities."""
    return saved(image, "WEBP", quality=round(log_uniform(rng, 1, 95)), method=2)


def avif(image: Image.Image, rng: Rng) -> Image.Image:
    """All qualities that show anything."""
    return saved(image, "AVIF", quality=round(log_uniform(rng, 8, 95)), speed=9)


def compressed_again(image: Image.Image, rng: Rng) -> Image.Image:
    """Two to six times, a little resized or cut between, by whichever format."""
    for _ in range(int(rng.integers(2, 7))):
        kind = ("JPEG", "JPEG", "WEBP")[pick(rng, "JJW")]
        image = saved(image, kind, quality=round(log_uniform(rng, 15, 90)))
        if chance(rng, 0.5):
            scale = rng.uniform(0.8, 1.1)
            size = max(8, round(image.width * scale)), max(8, round(image.height * scale))
            image = image.resize(size, RESAMPLING[pick(rng, RESAMPLING)])
        elif min(image.size) > 32:
            cut = rng.integers(0, 5, 4)
            image = image.crop((cut[0], cut[1], image.width - cut[2], image.height - cut[3]))
    return image
