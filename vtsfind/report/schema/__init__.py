"""Schema 1 of the JSON output: which records each command writes, and what their fields mean.

`vtsfind.report.ndjson.NdjsonWriter` writes a `Stream`, docs/cli.md is made from `STREAMS`, and the tests of the commands
check every record that they write against it. Within a schema, fields are added, never removed, renamed or changed.
"""

from vtsfind.report.schema.changes import (
    APPLY,
    DECISIONS_ADD,
    DECISIONS_EXPORT,
    DECISIONS_FORGET,
    DECISIONS_IMPORT,
    DECISIONS_LIST,
    HISTORY,
    HISTORY_OF_RUN,
    PLAN,
    UNDO,
)
from vtsfind.report.schema.fields import HEADER, SCHEMA, Field, Stream
from vtsfind.report.schema.library import (
    CALIBRATE,
    COPY,
    DOCTOR,
    DUPES,
    INDEX,
    INDEX_DRY_RUN,
    MISSING,
    PATHS,
    QUERY,
    QUERY_LIST,
)
from vtsfind.report.schema.models import (
    EVAL,
    EVAL_FIGURE,
    EVAL_TABLE,
    MODELS_IMPORT,
    MODELS_IMPORT_START,
    MODELS_LIST,
    MODELS_SHOW,
    TRAIN,
)

STREAMS = (
    INDEX, INDEX_DRY_RUN, QUERY, QUERY_LIST, DUPES, PLAN, APPLY, UNDO, HISTORY, HISTORY_OF_RUN, MISSING, CALIBRATE, COPY,
    DECISIONS_LIST, DECISIONS_ADD, DECISIONS_FORGET, DECISIONS_EXPORT, DECISIONS_IMPORT, DOCTOR, PATHS,
    MODELS_LIST, MODELS_SHOW, MODELS_IMPORT, MODELS_IMPORT_START, TRAIN, EVAL, EVAL_TABLE, EVAL_FIGURE,
)  # fmt: skip
"""Every stream, in the order of the commands' page."""

__all__ = [
    "APPLY", "CALIBRATE", "COPY", "DECISIONS_ADD", "DECISIONS_EXPORT", "DECISIONS_FORGET", "DECISIONS_IMPORT",
    "DECISIONS_LIST", "DOCTOR", "DUPES", "EVAL", "EVAL_FIGURE", "EVAL_TABLE", "HEADER", "HISTORY",
    "HISTORY_OF_RUN", "INDEX", "INDEX_DRY_RUN", "MISSING", "MODELS_IMPORT", "MODELS_IMPORT_START",
    "MODELS_LIST", "MODELS_SHOW", "PATHS", "PLAN", "QUERY", "QUERY_LIST", "SCHEMA", "STREAMS", "TRAIN", "UNDO", "Field", "Stream",
]  # fmt: skip
