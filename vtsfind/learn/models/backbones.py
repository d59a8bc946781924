"""The backbones by short name: which architecture of which library, what input it expects.

Any other name that timm knows works too; its input size and statistics then come from timm's own configuration. timm is
imported on first use, so that reading this table costs nothing.
"""

from dataclasses import dataclass
from typing import Literal

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Preprocessing

_INCEPTION_MEAN_STD = (0.5, 0.5, 0.5)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

HashInit = Literal["fan out", "small", "plain"]


@dataclass(frozen=True, slots=True)
class Backbone:
    """An architecture and the input that its published weights were trained on."""

    architecture: str
    """Its name in the library it comes from."""
    size: int
    """Side of the square input, in pixels."""
    mean: tuple[float, float, float] = _INCEPTION_MEAN_STD
    std: tuple[float, float, float] = _INCEPTION_MEAN_STD
    library: Literal["timm", "torchvision"] = "timm"
    hash_init: HashInit = "fan out"
    """How the first hash layer behind it starts under `NetworkSpec.paper_init`: Kaiming's uniform distribution by the
    layer's outputs, with normal biases; a normal distribution of deviation 0.01, without biases; or as torch does it."""
    dual: bool = False
    """Whether it has a second stream, for groups of patches (`vtsfind.learn.models.transhash`)."""
    plain: bool = False
    """Whether `vtsfind.learn.models.vit` can run it without timm."""

    def preprocessing(self, size: int | None = None) -> Preprocessing:
        """The whole picture squashed to the input, with the backbone's statistics."""
        return Preprocessing(size=size or self.size, mean=self.mean, std=self.std)


BACKBONES = {
    # The two of the VTS paper (Dubey, Singh, Chu, 2021), and smaller ones of the same family.
    "vts16": Backbone("vit_base_patch16_224", 224, plain=True),
    "vts32": Backbone("vit_base_patch32_224", 224, plain=True),
    "vits16": Backbone("vit_small_patch16_224", 224, plain=True),
    "vitti16": Backbone("vit_tiny_patch16_224", 224, plain=True),
    # The shape of DINOv2's smallest model, whose fine patches keep detail at small inputs.
    "vits14": Backbone("vit_small_patch14_dinov2", 112, IMAGENET_MEAN, IMAGENET_STD, plain=True),
    # The VTS paper's baselines, and the method that it is compared with (Chen et al., ICMR 2022).
    "alexnet": Backbone("alexnet", 224, IMAGENET_MEAN, IMAGENET_STD, "torchvision", hash_init="plain"),
    "resnet50": Backbone("resnet50", 224, IMAGENET_MEAN, IMAGENET_STD, hash_init="small"),
    "transhash": Backbone("vit_large_patch32_224", 224, hash_init="plain", dual=True),
    "lite2": Backbone("tf_efficientnet_lite2", 260),
}


def backbone(name: str) -> Backbone:
    """Look a backbone up by its short name here or its name in timm.

    Raises
    ------
    UsageError
        When neither knows the name; says the short names and the closest that timm has.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    import timm

    if not timm.is_model(name):
        import difflib

        near = difflib.get_close_matches(name, [*BACKBONES, *timm.list_models()], n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(
            f"There is no backbone '{name}'.", f"{hint} Short names: {', '.join(BACKBONES)}.".strip()
        )
    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    if config is None:
        return Backbone(name, 224)
    (r, g, b), (x, y, z) = config.mean, config.std
    return Backbone(name, config.input_size[-1], (r, g, b), (x, y, z))
