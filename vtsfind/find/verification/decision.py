"""Whether two aligned pictures are versions of one photo, by a model fitted to measures of known pairs.

`python -m benchmarks.fit_verifier` fits it to edits of many families, to other shots of scenes, and to documents, screens and
templates with other content, and writes `decision.npz` beside this file. docs/results/verifier.json says what it does with
families of edits that it was not fitted to.
"""

from functools import cache
from pathlib import Path

from vtsfind.find.verification.measures import MEASURE_NAMES, Agreement, Measures
from vtsfind.find.verification.trees import BoostedTrees

MODEL = Path(__file__).with_name("decision.npz")
MIN_SCORE = 2.5
"""Log-odds from which two photos are versions of one. Held out, 83 % of the edits of unseen families pass 2.8 with 10 of 1,000 of the
hardest other pairs, and 89 % pass 1.3 with 20 (docs/results/fit_verifier.json): in between a point of recall costs 1.6 wrong pairs in
1,000, above 0.7. An edit is kept unless a person asks for it to go."""
CERTAINLY_OTHER_SCORE = -6.0
"""Log-odds below which an edit is hardly ever found: another shot for certain."""

MAX_RESAVE_CHANGE = 0.0001
"""Largest connected change that compression and scaling leave, as a share of the picture."""
MAX_RESAVE_COLOUR_LEVELS = 6.0
"""Mean difference of the blocks' colours up to which nobody changed them."""
MAX_LOST_SATURATION = 0.4
"""Of a colour photo and its black-and-white version, the one has no more than this share of the other's saturation."""
MIN_SATURATION_LEVELS = 12.0
"""A photo of less is grey anyway."""


@cache
def _model() -> BoostedTrees:
    model = BoostedTrees.load(MODEL)
    if model.inputs != MEASURE_NAMES:
        raise ValueError(f"{MODEL.name} was fitted to other measures; run python -m benchmarks.fit_verifier.")
    return model


def version_score(measures: Measures) -> float:
    """Log-odds that two pictures with these measures are versions of one photo."""
    return _model().score(measures.vector())


def is_unedited(measures: Measures | Agreement) -> bool:
    """Whether two pictures show the same to the last place, but for what compression, scaling and noise explain."""
    return (
        measures.changes == 0
        and measures.largest_pixels <= MAX_RESAVE_CHANGE
        and measures.colour_difference <= MAX_RESAVE_COLOUR_LEVELS
        and not _lost_its_colours(measures)
    )


def _lost_its_colours(measures: Measures | Agreement) -> bool:
    colourful = measures.saturation_max >= MIN_SATURATION_LEVELS
    return colourful and measures.saturation_min < MAX_LOST_SATURATION * measures.saturation_max


def reject_reason(measures: Measures) -> str:
    """What tells two pictures apart most, in words; for people, it decides nothing."""
    if measures.found_elsewhere > 1:
        return "things are in other places"
    if measures.coherent_shift_px > 0.3:
        return "near and far things are shifted against each other"
    if measures.changed_both > 0.02:
        return "the two show different things at the same place"
    return "too little is the same"
