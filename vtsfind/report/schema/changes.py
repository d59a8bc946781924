"""What `plan`, `apply`, `undo`, `history` and `decisions` write."""

from vtsfind.report.schema.fields import INTERRUPTED, LIBRARY, NOTE, PATH, SHA256, SIZE, Field, Stream

_OPERATION = (
    Field("op", "Number of the operation within the run."),
    Field("group", "Number of the group."),
    Field(
        "action", "What is done to the file: trash, quarantine, move, hardlink, reflink, symlink or delete."
    ),
    PATH,
    SIZE,
    SHA256,
    Field("keeper", "The file that is kept in its place.", optional=True, path=True),
    Field("to", "Where the file is moved.", optional=True, path=True),
    Field("companion_of", "The photo whose sidecar this file is.", optional=True, path=True),
)
_STATE = Field("state", "planned, begun, done, undoing, undone, failed or skipped.")

_CONTENT = (PATH, SIZE, SHA256)
PLAN = Stream(
    "plan",
    (
        Field("made", "When the plan was made."),
        Field("made_by", "The command line that made it."),
        Field(
            "host",
            "The machine whose files it is about; only where several share the library.",
            optional=True,
        ),
        LIBRARY,
        Field("to", "The folder of --action move.", optional=True, path=True),
    ),
    (
        (
            "group",
            (
                Field("id", "Number of the group."),
                Field("remove_all", "Whether a person allowed every photo of it to be removed."),
                Field(
                    "files",
                    "Its photos, the one that all others were compared with first.",
                    fields=(
                        *_CONTENT,
                        Field("verdict", "Kind of duplicate of the first photo; null for that photo."),
                        Field("action", "What to do with it, or keep."),
                        Field("reason", "Why."),
                        Field(
                            "companions",
                            "Its sidecar files, which go where it goes.",
                            fields=(
                                *_CONTENT,
                                Field(
                                    "to",
                                    "Where it moves instead, beside the kept photo.",
                                    optional=True,
                                    path=True,
                                ),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    ),
    (
        Field("groups", "Number of groups."),
        Field("operations", "Number of operations that `vtsfind apply` would carry out."),
        Field("size", "Bytes of their files."),
    ),
)
_DRY_RUN = Field("dry_run", "Whether nothing was changed.")
APPLY = Stream(
    "apply",
    (_DRY_RUN,),
    (("operation", (*_OPERATION, _STATE, NOTE)),),
    (
        Field("run", "Name of the run, for `vtsfind undo`."),
        Field("done", "Number of operations that were carried out."),
        Field("skipped", "Number of operations that a failed check skipped."),
        Field("failed", "Number of operations that the system refused."),
        Field("size", "Bytes of the files of operations that were carried out."),
        INTERRUPTED,
    ),
)
UNDO = Stream(
    "undo",
    (_DRY_RUN,),
    (
        (
            "restore",
            (
                *_OPERATION,
                Field("outcome", "back, pending (the drive is not connected) or failed."),
                NOTE,
            ),
        ),
    ),
    (
        Field("run", "Name of the run."),
        Field("back", "Number of files that were restored."),
        Field("pending", "Number of files on drives that are not connected."),
        Field("failed", "Number of files that could not be restored."),
        INTERRUPTED,
        Field("damaged", "Number of damaged lines of its journal."),
    ),
)
_STATES = (
    Field("planned", "Number of operations that were not begun."),
    Field("begun", "Number of operations that were begun and not finished."),
    Field("done", "Number of operations that were carried out."),
    Field("undoing", "Number of operations whose undoing was begun and not finished."),
    Field("undone", "Number of operations that were undone."),
    Field("failed", "Number of operations that the system refused."),
    Field("skipped", "Number of operations that a failed check skipped."),
)
HISTORY = Stream(
    "history",
    (),
    (
        (
            "run",
            (
                Field("run", "Name of the run."),
                Field("time", "When it began."),
                Field("command", "The command line that started it."),
                LIBRARY,
                *_STATES,
                Field("damaged", "Number of damaged lines of its journal."),
                Field("problem", "Why its journal cannot be read; empty if it can."),
            ),
        ),
    ),
    (Field("runs", "Number of runs."),),
)
HISTORY_OF_RUN = Stream(
    "history",
    (),
    (
        (
            "operation",
            (
                *_OPERATION,
                Field("place", "Where the file is now.", optional=True, path=True),
                _STATE,
                NOTE,
            ),
        ),
    ),
    (Field("run", "Name of the run."), *_STATES),
    usage="RUN",
)
_PAIR = (
    Field("what", "not-duplicate or keep-both."),
    Field("a", "SHA-256 of the first content."),
    Field("b", "SHA-256 of the second content."),
    Field("at", "When it was decided."),
)
_DECISIONS = (Field("decisions", "Number of decisions."),)
DECISIONS_LIST = Stream(
    "decisions list",
    (),
    (
        (
            "decision",
            (
                *_PAIR,
                Field("a_path", "A file of the library with the first content.", optional=True, path=True),
                Field("b_path", "A file of the library with the second content.", optional=True, path=True),
            ),
        ),
    ),
    _DECISIONS,
)
DECISIONS_EXPORT = Stream("decisions export", (), (("decision", _PAIR),), _DECISIONS)
_CHANGED = (Field("changed", "Number of pairs whose decision changed."),)
DECISIONS_ADD = Stream("decisions add", footer=_CHANGED)
DECISIONS_FORGET = Stream("decisions forget", footer=_CHANGED)
DECISIONS_IMPORT = Stream("decisions import", footer=_CHANGED)
