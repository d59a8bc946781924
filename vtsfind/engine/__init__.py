"""What vtsfind does for its views: refresh a library, answer questions, look after itself.

Every command and screen is a translation of calls to this package. Importing it loads neither torch nor a decoder.
"""

from vtsfind.engine.indexing.changes import Selection, Survey, select, survey
from vtsfind.engine.indexing.refresh import RefreshResult, refresh
from vtsfind.engine.indexing.update import foresee, update
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
from vtsfind.engine.search.query import Answer, Neighbour, Similar, Wish, ask, chosen_head, find_similar
from vtsfind.engine.search.query_image import Question, question

__all__ = [
    "LIBRARY_FORMAT",
    "Answer",
    "Diagnosis",
    "EncoderLike",
    "Finding",
    "Model",
    "Neighbour",
    "Question",
    "RefreshResult",
    "Selection",
    "Similar",
    "Survey",
    "Wish",
    "ask",
    "card_named",
    "card_of",
    "chosen_head",
    "examine",
    "find_similar",
    "foresee",
    "library_folder",
    "load_encoder",
    "model",
    "models",
    "open_for_writing",
    "open_library",
    "question",
    "refresh",
    "repair",
    "select",
    "survey",
    "thumbnails",
    "update",
]
