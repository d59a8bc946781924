"""The models that there are, as a user sees them. Needs no torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtsfind.base.errors import ModelDamaged
from vtsfind.engine.library.access import card_named

if TYPE_CHECKING:
    from vtsfind.learn.models.registry import ModelCard


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model and its file."""

    card: "ModelCard"
    size: int | None
    """Bytes of the file of weights; None if it is not there."""
    damage: str | None = None
    """What is wrong with the file: empty for nothing, None if it was not checked."""


def models() -> list[Model]:
    """Every registered model, the default first, then by name."""
    from vtsfind.learn.models.registry import registered_models

    cards = sorted(registered_models().values(), key=lambda card: (not card.default, card.name))
    return [Model(card, _size(card)) for card in cards]


def model(name: str, *, verify: bool = False) -> Model:
    """One model by name; the default one for an empty name.

    Parameters
    ----------
    name
        Of the model.
    verify
        Whether to compare the file with its SHA-256.

    Raises
    ------
    UsageError
        If no model of that name is registered.
    """
    card = card_named(name)
    damage = None
    if verify:
        try:
            card.verify()
            damage = ""
        except ModelDamaged as error:
            damage = str(error)
    return Model(card, _size(card), damage)


def _size(card: "ModelCard") -> int | None:
    try:
        return card.path.stat().st_size
    except OSError:
        return None
