"""`vtsfind --version`."""

import vtsfind
from vtsfind.base.errors import VtsfindError
from vtsfind.report.streams import Output


def show_version() -> None:
    """Write the versions of the program and of its library format, and the model of a new library."""
    from vtsfind.engine.library.access import LIBRARY_FORMAT, card_named

    try:
        model = card_named("").name
    except VtsfindError:
        model = "none"
    Output().line(f"vtsfind {vtsfind.__version__}, library format {LIBRARY_FORMAT}, default model {model}")
