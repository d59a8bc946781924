"""The radius for a false-match rate, as measured on the library itself or on other photos."""

from pathlib import Path
from typing import Final

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Signature
from vtsfind.engine.library.curve import read_curve
from vtsfind.engine.library.heads import copy_head

_DEFAULT_MODEL_RADII_BITS: Final = {1e-2: 97, 1e-3: 80, 1e-4: 64}
"""False-match rate to the radius (in bits of 256) within which no more pairs of different photos lie: the default model on
photos that it was not trained on, the smaller of two halves; docs/results/model.json."""
_DEFAULT_MODEL_BITS: Final = 256


def radius_for(folder: Path, signature: Signature, false_match_rate: float) -> int:
    """The largest radius within which at most that share of the pairs of different photos lies.

    Measured on the library itself if it is calibrated, else as measured on other photos with the default model.

    Parameters
    ----------
    folder
        The library's folder.
    signature
        The library's model.
    false_match_rate
        Share, above 0 and at most 1.

    Returns
    -------
    Bits of the copy code.

    Raises
    ------
    UsageError
        If the rate is not a share, or lower than what was measured can promise; says what can be done.
    """
    if not 0 < false_match_rate <= 1:
        raise UsageError(f"{false_match_rate:g} is not a false-match rate.", "Give a number such as 1e-5.")
    curve = read_curve(folder, signature)
    if curve:
        return curve.radius_for(false_match_rate)
    fitting = [bits for rate, bits in _DEFAULT_MODEL_RADII_BITS.items() if rate <= false_match_rate]
    if not fitting:
        raise UsageError(
            f"Without a calibration, no radius can promise a false-match rate of {false_match_rate:g}.",
            "Run `vtsfind calibrate`, or ask for 1e-4 or more.",
        )
    return max(fitting) * copy_head(signature).bits // _DEFAULT_MODEL_BITS
