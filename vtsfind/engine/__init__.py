"""What vtsfind does for its views: refresh a library, answer questions, look after itself.

Every command and screen is a translation of calls to this package. Importing it loads neither torch nor a decoder.
"""

from vtsfind.engine.indexing.changes import Changes, Selection, scan_changes, select
from vtsfind.engine.indexing.refresh import RefreshResult, refresh
from vtsfind.engine.indexing.update import preview_changes, update
from vtsfind.engine.library.access import (
    LIBRARY_FORMAT,
    EncoderLike,
    card_named,
    card_of,
    library_folder,
    load_encoder,
    open_for_writing,
    open_library,
)
from vtsfind.engine.library.doctor import Diagnosis, Finding, examine, repair
from vtsfind.engine.library.models import Model, model, models
from vtsfind.engine.previews.thumbnails import thumbnails
from vtsfind.engine.search.query import (
    Answer,
    Neighbour,
    SearchOptions,
    Similar,
    chosen_head,
    find_similar,
    search_library,
)
from vtsfind.engine.search.query_image import QueryImage, query_image

__all__ = [
    "LIBRARY_FORMAT",
    "Answer",
    "Changes",
    "Diagnosis",
    "EncoderLike",
    "Finding",
    "Model",
    "Neighbour",
    "QueryImage",
    "RefreshResult",
    "SearchOptions",
    "Selection",
    "Similar",
    "card_named",
    "card_of",
    "chosen_head",
    "examine",
    "find_similar",
    "library_folder",
    "load_encoder",
    "model",
    "models",
    "open_for_writing",
    "open_library",
    "preview_changes",
    "query_image",
    "refresh",
    "repair",
    "scan_changes",
    "search_library",
    "select",
    "thumbnails",
    "update",
]
