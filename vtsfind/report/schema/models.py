"""What `models`, `train` and `eval` write."""

from vtsfind.report.schema.fields import Field, Stream

_MODEL = (
    "model",
    (
        Field("name", "Name of the model."),
        Field("default", "Whether new libraries use it."),
        Field("heads", "Name of each head to the length of its codes."),
        Field("backbone", "Its backbone."),
        Field("input", "Side of its input, in pixels."),
        Field("file", "The file of its weights.", path=True),
        Field("size", "Size of the file in bytes; null if it is missing."),
        Field("sha256", "SHA-256 that the file must have."),
        Field("damage", "What is wrong with the file; empty if nothing is, null if it was not checked."),
        Field("fingerprint", "SHA-256 of everything that its codes depend on."),
        Field("licence", "Licence of the weights."),
        Field("metrics", "Name to measured value."),
    ),
)
_MODELS = (Field("models", "Number of models."),)
MODELS_LIST = Stream("models list", (), (_MODEL,), _MODELS)
MODELS_SHOW = Stream("models show", (), (_MODEL,), _MODELS)
MODELS_IMPORT = Stream("models import", (), (_MODEL,), _MODELS)
MODELS_IMPORT_START = Stream(
    "models import",
    (),
    (
        (
            "start",
            (
                Field("file", "The file of the imported start weights.", path=True),
                Field("backbone", "Their backbone."),
                Field("weights", "Number of weights."),
                Field("size", "Size of the file in bytes."),
                Field("sha256", "SHA-256 of the file."),
            ),
        ),
    ),
    (Field("starts", "Number of files."),),
    usage="FILE --backbone NAME",
)
TRAIN = Stream("train", (), (_MODEL,), _MODELS)
_POINT = (
    Field("top", "Number of first pictures that count."),
    Field("precision", "Mean precision, 0 to 1."),
    Field("recall", "Mean recall, 0 to 1."),
)
_MAPS = (
    Field("map", "Mean average precision, 0 to 1, expected over the orders of ties."),
    Field("map_best_case", "The same for the best order of ties."),
    Field("map_worst_case", "The same for the worst order of ties."),
)
EVAL = Stream(
    "eval",
    (
        Field("model", "The model."),
        Field("versions", "Name of each library that takes part to its version."),
    ),
    (
        (
            "result",
            (
                Field("dataset", "Name of the protocol."),
                Field("method", "The objectives that trained the head; null if unknown."),
                Field("bits", "Length of the codes."),
                *_MAPS,
                Field("paper", "mAP of the paper for the same; null if it has none."),
                Field("map_published", "mAP of the published code; null unless --ties numpy."),
                Field("top", "Number of first pictures that count for mAP; null for all."),
                Field("textbook_map", "mAP as textbooks define it."),
                Field("textbook_map_best_case", "The same for the best order of ties."),
                Field("textbook_map_worst_case", "The same for the worst order of ties."),
                Field("radius", "Hamming radius of the next three."),
                Field("radius_precision", "Precision within the radius."),
                Field("radius_recall", "Recall within the radius."),
                Field("radius_map", "mAP within the radius."),
                Field("model", "The model."),
                Field("head", "The head that was measured."),
                Field("sha256", "SHA-256 of the weights."),
                Field("fingerprint", "SHA-256 of everything that the codes depend on."),
                Field(
                    "input",
                    "How pictures are prepared.",
                    fields=(
                        Field("size", "Side in pixels."),
                        Field("fit", "squash or crop."),
                    ),
                ),
                Field("made_on", "Device and precision that made the codes."),
                Field("queries", "Number of queries."),
                Field("database", "Number of pictures in the database."),
                Field("seed", "Seed of the split; null if nothing is drawn."),
                Field("split_sha256", "SHA-256 of the split."),
                Field("trained_by", "Whether the model was trained on this protocol, in words."),
                Field("data", "Where the pictures come from."),
                Field("findings", "Peculiarities of the data set, in words."),
            ),
        ),
        ("point", _POINT),
    ),
    (
        Field("results", "Number of results."),
        Field("points", "Number of points of the precision-recall curve."),
        Field("encoded", "Number of pictures that were encoded; other codes came from the cache."),
    ),
)
EVAL_TABLE = Stream(
    "eval",
    (Field("table", "Number of the table."),),
    (
        (
            "cell",
            (
                Field("table", "Number of the table."),
                Field("dataset", "The data set."),
                Field("framework", "The method, by the name in the paper."),
                Field("bits", "Length of the codes."),
                Field("source", "paper or vtsfind; only our own cells have the optional fields."),
                Field("backbone", "The backbone."),
                Field("feature", "What the heads read of the backbone."),
                _MAPS[0],
                *(
                    Field(name, meaning, optional=True)
                    for name, meaning in (
                        ("how", "frozen (heads on features of a frozen backbone) or end to end."),
                        ("mode", "Mode of the objective: fixed or paper."),
                        ("map_best_case", "mAP for the best order of ties."),
                        ("map_worst_case", "mAP for the worst order of ties."),
                        ("radius_precision", "Precision within Hamming radius 2."),
                        ("radius_recall", "Recall within Hamming radius 2."),
                        ("radius_map", "mAP within Hamming radius 2."),
                        ("top", "Number of first pictures that count for mAP; null for all."),
                        ("train", "Number of training pictures."),
                        ("queries", "Number of queries."),
                        ("database", "Number of pictures in the database."),
                        ("split_sha256", "SHA-256 of the split."),
                        ("data", "Where the pictures come from."),
                        ("findings", "Peculiarities of the data set, in words."),
                        ("seed", "Seed of the run."),
                        ("fingerprint", "SHA-256 of everything that the codes depend on."),
                        ("training", "How the head or the network was trained."),
                        ("versions", "Name of each library that took part to its version."),
                        ("command", "The command line that made the result."),
                        ("date", "When it was made."),
                        ("machine", "What it was made on."),
                        ("seconds", "Duration of training and measuring."),
                        ("note", "What else is to be said of it."),
                        ("map_published", "mAP of the published code; null unless it was asked for."),
                        ("mean", "Mean of mAP over all seeds of this result."),
                        ("deviation", "Standard deviation of mAP over the seeds; null for one seed."),
                        ("complete", "Whether the data set has as many pictures as the protocol says."),
                        ("difference", "Mean mAP less that of the paper; null without a counterpart."),
                        ("against", "The backbone of the paper that it is compared with; null for none."),
                    )
                ),
                Field("curve", "The precision-recall curve.", optional=True, fields=_POINT),
            ),
        ),
    ),
    (Field("rows", "Number of rows of the table."), Field("cells", "Number of our cells.")),
    usage="--table N",
)
EVAL_FIGURE = Stream(
    "eval",
    (Field("figure", "Number of the figure."),),
    (
        (
            "point",
            (
                Field("dataset", "The data set."),
                Field("framework", "The method."),
                Field("bits", "Length of the codes."),
                Field("backbone", "The backbone."),
                Field("feature", "What the heads read of the backbone."),
                Field("how", "frozen (heads on features of a frozen backbone) or end to end."),
                Field("mode", "Mode of the objective: fixed or paper."),
                Field("seed", "Seed of the run."),
                *_POINT,
            ),
        ),
    ),
    (Field("results", "Number of curves."), Field("points", "Number of points.")),
    usage="--figure 2",
)
