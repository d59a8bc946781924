"""What `index`, `query`, `dupes`, `missing`, `calibrate`, `doctor` and `paths` write."""

from vtsfind.report.schema.fields import (
    FAILED,
    FAILURE,
    INTERRUPTED,
    LIBRARY,
    NOTE,
    PATH,
    SHA256,
    SIZE,
    Field,
    Stream,
)

_TAKEN = Field("taken", "When the photo was taken, by its EXIF data; null if unknown.")
_CAMERA = Field("camera", "The camera, by the photo's EXIF data; null if unknown.")
_MISSING = Field("missing", "Whether the file no longer exists.")
_WIDTH, _HEIGHT = Field("width", "Width in pixels, as shown."), Field("height", "Height in pixels, as shown.")
_FACTS = (_WIDTH, _HEIGHT, SIZE, _TAKEN, _CAMERA, _MISSING)
"""Of a photo of the library."""
_ABSENT = (
    "absent",
    (
        Field("path", "A folder of the library that is missing or empty.", path=True),
        Field("files", "How many photos of it the library has."),
    ),
)
_SKIPPED = Field("skipped", "Reason to number of files that were skipped.")
_CODES = (
    Field("model", "The model of the library."),
    Field("by", "The head whose codes were compared, or likeness: those of scenes and copies together."),
    Field("bits", "The length of its codes."),
)
_RADIUS_ANSWER = Field("radius", "The radius for the rate that was asked for; null if none was.")

_EVIDENCE = Field(
    "evidence",
    "What the comparison with the keeper showed; null for the keeper.",
    fields=(
        Field("distance", "Bits in which the codes differ.", optional=True),
        Field("bits", "Length of the codes.", optional=True),
        Field("turn", "EXIF orientation, 1 to 8, that brings the photo onto the keeper.", optional=True),
        Field("inliers", "Matching local features.", optional=True),
        Field("agreement", "Similarity of the aligned pictures, 0 to 1.", optional=True),
        Field(
            "box",
            "The part of the wider picture that the narrower one shows, in fractions of its sides.",
            optional=True,
            fields=(
                Field("left", "Left edge."),
                Field("top", "Top edge."),
                Field("right", "Right edge."),
                Field("bottom", "Bottom edge."),
            ),
        ),
        Field("boxed", "Which picture `box` lies in: 0 for the keeper, 1 for the photo.", optional=True),
        Field("broken_off", "Discontinuity at the edges of `box`, 0 to 1.", optional=True),
        Field(
            "changed", "Share of the pixels that differ by more than one change of all tones.", optional=True
        ),
        Field("lighter", "Levels of 255 by which the photo is lighter; negative: darker.", optional=True),
        Field("recoloured", "Levels by which its colours are off beyond that.", optional=True),
        Field("grey", "Which of the two has no colours: 0 for the keeper, 1 for the photo.", optional=True),
        Field("certain", "Whether two shots can be nothing else.", optional=True),
        Field("seconds_apart", "Time between two shots, in seconds.", optional=True),
        Field(
            "indirect", "True if it was recognised in another version than the keeper only.", optional=True
        ),
        Field("note", "The reason in words.", optional=True),
    ),
)

INDEX = Stream(
    "index",
    (LIBRARY,),
    (FAILURE, _ABSENT),
    (
        Field("new", "Number of photos that were added."),
        Field("changed", "Number of photos whose content changed."),
        Field("moved", "Number of photos that were moved or renamed."),
        Field("unchanged", "Number of photos that are as they were."),
        Field("removed", "Number of photos that were taken out of the library."),
        FAILED,
        Field("waiting", "Number of files that failed before and have not changed."),
        _SKIPPED,
        Field("seconds", "Duration of the run."),
        INTERRUPTED,
    ),
)
INDEX_DRY_RUN = Stream(
    "index",
    (Field("dry_run", "true."), LIBRARY),
    (
        ("to_read", (Field("path", "A file that would be read.", path=True),)),
        ("to_forget", (Field("path", "A file that would be taken out of the library.", path=True),)),
        FAILURE,
    ),
    (
        Field("to_read", "Number of files to read."),
        Field("to_forget", "Number of files to take out of the library."),
        Field("unchanged", "Number of photos that are as they were."),
        Field("waiting", "Number of files that failed before and have not changed."),
        FAILED,
    ),
    usage="--dry-run",
)
_CONTENTS = Field(
    "contents",
    "What is in the file; null if that was not read.",
    fields=(
        Field("frames", "Number of frames or pages."),
        Field("animated", "Whether the frames are shown one after the other."),
        Field("transparent", "Whether something shows through."),
        Field("bits", "Bits a channel that are in use."),
        Field("colours", "Colour model: RGB, grey, palette, CMYK or CIELAB."),
        Field("profile", "Colour profile; empty for sRGB."),
        Field(
            "items",
            "What is in it besides the picture.",
            fields=(
                Field("kind", "Such as keyword, GPS or motion video."),
                Field("value", "Text, or part of a SHA-256."),
            ),
        ),
    ),
)
QUERY = Stream(
    "query",
    (LIBRARY, *_CODES),
    (
        (
            "failure",
            (
                Field("query", "The queried photo.", path=True),
                Field("reason", "Why it could not be used."),
                Field("detail", "What the system said."),
            ),
        ),
        (
            "hit",
            (
                Field("query", "The queried photo, or the words.", path=True),
                Field("text", "Words that the photo should show; null for a search by a photo alone."),
                Field("not", "Words that it should not show; null for none."),
                Field("rank", "1 for the best hit."),
                Field("path", "The photo that was found.", path=True),
                Field(
                    "distance",
                    "Bits in which the codes differ; for words how far the code is from them, in bits.",
                ),
                Field("bits", "Length of the codes."),
                Field(
                    "verdict",
                    "bytes if the file is an exact copy of the queried photo; null otherwise, since hits are not compared.",
                ),
                *_FACTS,
            ),
        ),
    ),
    (
        Field("queries", "Number of queried photos."),
        Field("hits", "Number of hits."),
        Field("failed", "Number of queried photos that could not be used."),
    ),
)
QUERY_LIST = Stream(
    "query",
    (LIBRARY,),
    (
        (
            "photo",
            (
                Field("path", "A photo that the filters leave.", path=True),
                Field("day", "The day it was taken, else that of its file; null if no calendar has it."),
                *_FACTS,
            ),
        ),
    ),
    (Field("photos", "Number of photos."),),
    usage="--in DIR",
)
DUPES = Stream(
    "dupes",
    (
        LIBRARY,
        *_CODES,
        Field("radius", "Radius within which codes were compared, in bits; null if none were."),
        Field("complete", "Radius within which all pairs were found; null with `radius`."),
    ),
    (
        (
            "group",
            (
                Field("id", "Number of the group."),
                Field("keep", "The photo to keep.", path=True),
                Field("tied", "Whether the choice of the keeper needs a look."),
                Field("doubt", "Why it needs a look; empty if only the paths differ."),
                Field("gain", "Bytes that are freed if all go that are proposed to."),
                Field(
                    "members",
                    "The photos of the group, the keeper first.",
                    fields=(
                        PATH,
                        Field("verdict", "Kind of duplicate of the keeper; null for the keeper."),
                        _EVIDENCE,
                        Field(
                            "reason", "Of the keeper, why it is kept; of another photo, why not that one is."
                        ),
                        Field("stays", "Why it is not proposed to go; empty if it is, null for the keeper."),
                        _CONTENTS,
                        _WIDTH,
                        _HEIGHT,
                        SIZE,
                        _TAKEN,
                        Field("format", "Format of the file, such as JPEG."),
                        SHA256,
                        Field("companions", "The sidecar files of the photo.", fields=(PATH,)),
                    ),
                ),
            ),
        ),
        FAILURE,
        _ABSENT,
    ),
    (
        Field("groups", "Number of groups."),
        Field("copies", "Number of photos that are not keepers."),
        Field("gain", "Bytes that are freed if all go that are proposed to."),
        Field("verified", "Whether photos were compared; if not, groups are candidates only."),
        Field("verdicts", "Kind of duplicate to number of photos."),
        FAILED,
        Field("photos", "Number of photos."),
        Field("aliases", "Number of paths that lead to a file counted under another path."),
        Field("candidates", "Number of pairs to compare since their codes are similar."),
        Field("dropped", "Number of pairs within the radius left out, as too far apart or for closer ones."),
        Field("sighted", "Number of further pairs with local features in common."),
        Field("looked", "Number of photos that were read in this run."),
        Field("compared", "Number of pairs that were compared in this run."),
    ),
)
MISSING = Stream(
    "missing",
    (LIBRARY, Field("by", "How photos were looked for: bytes or look.")),
    (
        (
            "photo",
            (
                Field("path", "A photo of the card.", path=True),
                SIZE,
                Field(
                    "standing",
                    "there, lesser (only in another version), gone (known, but its file is gone) or missing.",
                ),
                Field("verdict", "Kind of duplicate of it that `library_path` is; null if there is none."),
                Field(
                    "library_path", "The best file of the library, or where it was; may be null.", path=True
                ),
                NOTE,
            ),
        ),
        (
            "film",
            (
                Field(
                    "path",
                    "A file that could not be compared: a video, a sound, another kind of photo.",
                    path=True,
                ),
            ),
        ),
        FAILURE,
    ),
    (
        Field("photos", "Number of photos of the card."),
        Field("there", "Number of photos in the library."),
        Field(
            "lesser",
            "Number of photos that are in the library only in another version: smaller, edited, or not certainly as good.",
        ),
        Field("gone", "Number of photos whose file of the library is gone."),
        Field("missing", "Number of photos that are not in the library."),
        Field("films", "Number of files that could not be compared."),
        _SKIPPED,
        FAILED,
    ),
)
CALIBRATE = Stream(
    "calibrate",
    (LIBRARY, Field("head", "The head that was measured."), Field("bits", "Length of its codes.")),
    (
        (
            "point",
            (
                Field("radius", "Radius in bits."),
                Field("rate", "Share of unrelated pairs within the radius."),
                Field("at_most", "Upper bound of `rate`, with 95 % confidence."),
                Field("bursts", "Share of pairs taken within an hour of each other within the radius."),
                Field("mild", "Share of mild edits within the radius of their original."),
                Field("mild_at_least", "Lower bound of `mild`, with 95 % confidence."),
                Field("hard", "Share of hard edits within the radius of their original."),
                Field("hard_at_least", "Lower bound of `hard`, with 95 % confidence."),
            ),
        ),
    ),
    (
        _RADIUS_ANSWER,
        Field("photos", "Number of photos of the library."),
        Field("sample", "Number of photos that were compared with all."),
        Field("pairs", "Number of pairs."),
        Field("near_in_time", "Number of pairs taken within an hour of each other."),
        Field("looked", "Number of close pairs that were verified."),
        Field("unseen", "Number of close pairs that could not be read."),
        Field("edited", "Number of photos that were edited."),
        Field("edits", "Number of edits of each kind per photo."),
        Field("made", "When it was measured."),
    ),
)
DOCTOR = Stream(
    "doctor",
    (Field("model", "The model of the library, or of a new one."), LIBRARY),
    (
        ("repair", (Field("message", "What was repaired."),)),
        (
            "finding",
            (
                Field("severity", "must (be repaired), should (be tidied up) or note."),
                Field("message", "What was found."),
                Field("remedy", "What to do."),
            ),
        ),
        FAILURE,
        (
            "format",
            (
                Field("name", "A picture format."),
                Field("readable", "Whether it can be read on this machine."),
            ),
        ),
    ),
    (
        Field("sound", "Whether nothing must be repaired."),
        Field("files", "Number of files in the library, without those removed; null without a library."),
        Field("contents", "Number of different contents of these; null without a library."),
        Field("bytes", "Bytes of these files; null without a library."),
        Field("removed", "Number of files that vtsfind removed since the last index."),
        Field("failures", "Number of files that could not be used."),
        Field("findings", "Number of findings."),
        Field("repairs", "Number of repairs."),
    ),
)
COPY = Stream(
    "copy",
    (LIBRARY, Field("to", "Where the copy is.", path=True)),
    footer=(
        Field("contents", "Number of contents in both."),
        Field("files", "Number of files in both, those that could not be decoded included."),
        Field("decisions", "Number of pairs whose decision the copy did not have."),
        Field("marks", "Number of groups of the review that are decided or marked."),
    ),
)
PATHS = Stream(
    "paths",
    (),
    (
        (
            "place",
            (
                Field("name", "config, data, cache, state, models or library."),
                Field("path", "Where it is.", path=True),
                Field("exists", "Whether it exists; null for a database of a server, which is not asked."),
            ),
        ),
    ),
    (Field("places", "Number of places."),),
)
