"""Start weights published by a backbone's library, which downloads and caches them."""

from pathlib import Path
from typing import Any

import timm
from torch import Tensor

from vtsfind.base.errors import DownloadFailed, UsageError
from vtsfind.learn.models.backbones import Backbone
from vtsfind.learn.pretrained.load import classifier_prefixes, fit_to_backbone

PUBLISHED = "published"


def is_published(start: str) -> bool:
    """Whether a recipe's `start` asks for published weights."""
    return start.partition(":")[0] == PUBLISHED


def load_published(network: Any, known: Backbone, start: str, *, aligned_positions: bool = False) -> None:
    """Fill a backbone with published weights.

    Parameters
    ----------
    network
        From `vtsfind.learn.models.network.make_backbone`; changed in place.
    known
        Its entry in the table of backbones.
    start
        `published` for the library's first choice, or `published:TAG` for one of timm's tags, such as `orig_in21k`.
    aligned_positions
        See `vtsfind.learn.pretrained.load.fit_to_backbone`.

    Raises
    ------
    UsageError
        When the library publishes no such weights.
    DownloadFailed
        When they cannot be downloaded.
    """
    tag = start.partition(":")[2]
    name = f"{known.architecture}.{tag}" if tag else known.architecture
    if known.library == "timm" and name not in {known.architecture, *timm.list_models(pretrained=True)}:
        tags = ", ".join(each.rpartition(".")[2] for each in timm.list_pretrained(f"{known.architecture}.*"))
        raise UsageError(f"There are no published weights '{name}'.", f"Known tags: {tags or 'none'}.")
    try:
        state = _download_state(known, name)
    except Exception as error:
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise DownloadFailed(
            f"The published weights '{name}' cannot be downloaded: {reason}.",
            "Connect to the network, or get a file of weights and give it with --start (see docs/weights.md).",
        ) from error
    unwanted = classifier_prefixes(network)
    wanted = {k: v for k, v in state.items() if not k.startswith(unwanted)}
    fitting = fit_to_backbone(wanted, network, Path(name), aligned_positions=aligned_positions)
    network.load_state_dict(fitting, strict=False)


def _download_state(known: Backbone, name: str) -> dict[str, Tensor]:
    if known.library == "torchvision":
        from torchvision.models import get_model_weights

        weights: Any = get_model_weights(name)
        return dict(weights.DEFAULT.get_state_dict(progress=False))
    state: dict[str, Tensor] = timm.create_model(name, pretrained=True).state_dict()
    return state
