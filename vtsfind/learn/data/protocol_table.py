"""The table of evaluation protocols for hashing. `vtsfind.learn.data.protocols` finds and opens them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from vtsfind.base.records import Preprocessing
from vtsfind.learn.data.formats import cifar10
from vtsfind.learn.data.formats.classes import COCO, IMAGENET_100, VOC2012, numbered_names
from vtsfind.learn.data.layouts import SplitSampling


@dataclass(frozen=True, slots=True)
class InputTransform:
    """How the published code prepares pictures for the network."""

    fit: Literal["squash", "crop"]
    """For queries and database: the whole picture, or a centre crop."""
    share: float
    """The shorter side before the centre crop, as a multiple of the network's input side; 1 for `squash`."""
    augmented: bool
    """Whether training uses a random crop instead of the centre crop, and mirrors half of the pictures."""
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"

    def preprocessing(self, given: Preprocessing) -> Preprocessing:
        """A network's preprocessing with this transform for queries and database; size, mean and deviation do not change."""
        resize = round(given.size * self.share) if self.fit == "crop" else 0
        return replace(given, fit=self.fit, resize=resize, interpolation=self.interpolation)


SQUASH = InputTransform("squash", 1.0, augmented=False)
CENTRE_CROP = InputTransform("crop", 256 / 224, augmented=True)


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol."""

    name: str
    title: str
    """As papers write it."""
    layout: Literal["cifar10", "lists", "folders"]
    """The layout of the data on disk, see `vtsfind.learn.data.layouts`."""
    folder: str
    """The data set's folder in the folder of all data; empty for that folder itself."""
    classes: tuple[str, ...]
    """In the order of the label columns; empty for any."""
    sizes: Mapping[str, int | None]
    """Pictures of `train`, `query` and `database`; None for any or unknown."""
    top_k: int | None
    """How many answers count for mAP; None for all."""
    train_in_database: bool | None
    """Whether all (True) or none (False) of the training pictures are in the database; None for unknown."""
    transform: InputTransform
    source: str
    """The origin of the pictures and lists."""
    licence: str
    """Their licence, in a sentence."""
    how_to_get: str
    """What to get and where to put it, in a sentence; `{folder}` stands for the place."""
    aliases: tuple[str, ...] = ()
    """Other names, of published code and tables."""
    sampling: SplitSampling | None = None
    """How the parts are drawn, for `cifar10`."""
    note: str = ""
    """What a reader of results should know besides."""


def _sizes(train: int | None, query: int | None, database: int | None) -> Mapping[str, int | None]:
    return {"train": train, "query": query, "database": database}


_HASHNET = "https://github.com/thuml/HashNet (folder pytorch/data)"
_DEEPHASH = "https://github.com/swuxyj/DeepHash-pytorch (folder data)"


def _how_to_get(pictures: str, lists: str) -> str:
    return (
        f"Get {pictures} and the lists train.txt, test.txt and database.txt of {lists}, and put both into {{folder}}, so that "
        "the paths in the lists hold from there."
    )


_FLICKR_LICENCE = "The pictures are from Flickr, under their owners' terms; for research only."

_CIFAR10 = Protocol(
    name="cifar10@54000",
    title="CIFAR10@54000",
    layout="cifar10",
    folder="cifar10",
    classes=cifar10.CLASSES,
    sizes=_sizes(5_000, 1_000, 54_000),
    top_k=None,
    train_in_database=False,
    transform=SQUASH,
    source=cifar10.ARCHIVE.url,
    licence="None stated; the authors ask to cite Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.",
    how_to_get=(
        f"It is downloaded when the network can be used; else get {cifar10.ARCHIVE.url} (MD5 {cifar10.ARCHIVE.md5}) and put "
        "it, packed or unpacked, into {folder}."
    ),
    aliases=("cifar10",),
    sampling=SplitSampling(query=100, train=500, database=("rest",)),
    note="Split at random with a seed, from all 60,000 pictures, class by class; the database lists one class after the other.",
)

_NUSWIDE = Protocol(
    name="nuswide-21@5000",
    title="NUS-WIDE-21@5000",
    layout="lists",
    folder="nuswide-21",
    classes=numbered_names(21),
    sizes=_sizes(10_500, 2_100, 193_734),
    top_k=5_000,
    train_in_database=True,
    transform=CENTRE_CROP,
    source=f"Pictures: https://github.com/TreezzZ/DSDH_PyTorch; lists: {_DEEPHASH}, nuswide_21",
    licence=_FLICKR_LICENCE,
    how_to_get=_how_to_get(
        "NUS-WIDE from https://github.com/TreezzZ/DSDH_PyTorch", f"nuswide_21 from {_DEEPHASH}"
    ),
    aliases=("nuswide-21", "nuswide21@5000"),
    note="The 195,834 pictures with one of the 21 most frequent concepts; the published split has no seed.",
)

_ALL = (
    _CIFAR10,
    replace(
        _CIFAR10,
        name="cifar10@all",
        title="CIFAR10@All",
        sizes=_sizes(5_000, 1_000, 59_000),
        train_in_database=True,
        aliases=("cifar10-1",),
        sampling=SplitSampling(query=100, train=500, database=("train", "rest")),
    ),
    replace(
        _CIFAR10,
        name="cifar10-2",
        title="CIFAR10-2",
        sizes=_sizes(50_000, 10_000, 50_000),
        train_in_database=True,
        aliases=(),
        sampling=SplitSampling(query=1_000, train=5_000, database=("train",)),
        note="All pictures except the queries are the training set and the database; the queries are not the archive's own test set.",
    ),
    Protocol(
        name="imagenet-100@1000",
        title="ImageNet-100@1000",
        layout="lists",
        folder="imagenet-100",
        classes=IMAGENET_100,
        sizes=_sizes(13_000, 5_000, 128_503),
        top_k=1_000,
        train_in_database=True,
        transform=CENTRE_CROP,
        source=f"Pictures: ILSVRC 2012, https://image-net.org; lists: {_HASHNET}, imagenet",
        licence="By agreement with ImageNet, after registration; for non-commercial research and education.",
        how_to_get="Register at https://image-net.org. "
        + _how_to_get("the training and validation pictures of ILSVRC 2012", f"imagenet from {_HASHNET}"),
        aliases=("imagenet", "imagenet-100", "imagenet100@1000"),
        note="Networks that were pre-trained on ImageNet have seen the database and its labels.",
    ),
    _NUSWIDE,
    replace(
        _NUSWIDE,
        name="nuswide-21-m",
        title="NUS-WIDE-21-m@5000",
        folder="nuswide-21-m",
        sizes=_sizes(10_500, 2_100, None),
        train_in_database=None,
        source=f"Pictures and lists: {_HASHNET}, nus_wide",
        how_to_get=_how_to_get("NUS-WIDE-m", f"nus_wide from {_HASHNET}"),
        aliases=(),
        note="Another collection of the NUS-WIDE pictures than NUS-WIDE-21; the size of its database could not be checked.",
    ),
    replace(
        _NUSWIDE,
        name="nuswide-81-m",
        title="NUS-WIDE-81-m@5000",
        folder="nuswide-81-m",
        classes=numbered_names(81),
        sizes=_sizes(10_000, 5_000, 168_692),
        source=f"Pictures and lists: {_HASHNET}, nuswide_81",
        how_to_get=_how_to_get("NUS-WIDE-m", f"nuswide_81 from {_HASHNET}"),
        aliases=(),
        note="All 81 concepts. The size of the database is that of all 173,692 pictures without the queries.",
    ),
    Protocol(
        name="coco@5000",
        title="MS-COCO@5000",
        layout="lists",
        folder="coco",
        classes=COCO,
        sizes=_sizes(10_000, 5_000, 117_218),
        top_k=5_000,
        train_in_database=True,
        transform=CENTRE_CROP,
        source=f"Pictures: COCO 2014, https://cocodataset.org; lists: {_DEEPHASH}, coco, or {_HASHNET}, coco",
        licence=f"Annotations: CC BY 4.0. {_FLICKR_LICENCE}",
        how_to_get=_how_to_get(
            "train2014 and val2014 from https://cocodataset.org", f"coco from {_DEEPHASH} or {_HASHNET}"
        ),
        aliases=("coco", "ms-coco@5000"),
        note=(
            "Two different splits are in use, and their figures cannot be compared. Published database lists "
            "contain the 5,000 queries, which are removed here, and one of them lacks the training pictures."
        ),
    ),
    Protocol(
        name="mirflickr",
        title="MIRFlickr-25k",
        layout="lists",
        folder="mirflickr",
        classes=numbered_names(38),
        sizes=_sizes(4_000, 1_000, 20_000),
        top_k=None,
        train_in_database=False,
        transform=CENTRE_CROP,
        source=f"Pictures: https://press.liacs.nl/mirflickr/mirdownload.html; lists: {_DEEPHASH}, mirflickr",
        licence="The pictures are under Creative Commons licences of their owners.",
        how_to_get=_how_to_get(
            "mirflickr25k.zip from https://press.liacs.nl/mirflickr/mirdownload.html, unpacked,",
            f"mirflickr from {_DEEPHASH}",
        ),
        note="419 of the 25,000 pictures have no label; 19 of them are queries, which count as zero.",
    ),
    Protocol(
        name="voc2012",
        title="VOC2012",
        layout="lists",
        folder="voc2012",
        classes=VOC2012,
        sizes=_sizes(4_000, 1_000, 6_540),
        top_k=None,
        train_in_database=False,
        transform=CENTRE_CROP,
        source=f"Pictures: http://host.robots.ox.ac.uk/pascal/VOC/voc2012; lists: {_DEEPHASH}, voc2012",
        licence=_FLICKR_LICENCE,
        how_to_get=_how_to_get(
            "VOCtrainval_11-May-2012.tar from http://host.robots.ox.ac.uk/pascal/VOC/voc2012, unpacked,",
            f"voc2012 from {_DEEPHASH}",
        ),
    ),
    Protocol(
        name="imagenette",
        title="Imagenette",
        layout="folders",
        folder="imagenette",
        classes=(),
        sizes=_sizes(None, None, None),
        top_k=None,
        train_in_database=True,
        transform=CENTRE_CROP,
        source="https://github.com/fastai/imagenette",
        licence="Pictures of ImageNet: for non-commercial research and education.",
        how_to_get=(
            "Get Imagenette from https://github.com/fastai/imagenette and put its folders train and val into {folder}."
        ),
        note="Ten easy classes of ImageNet; the training pictures are the database, the validation pictures are the queries.",
    ),
    Protocol(
        name="folder",
        title="Own data",
        layout="folders",
        folder="",
        classes=(),
        sizes=_sizes(None, None, None),
        top_k=None,
        train_in_database=None,
        transform=CENTRE_CROP,
        source="the user",
        licence="the user's",
        how_to_get=(
            "Put folders train and val with one folder of photos a class into {folder}, and if you like a folder database of "
            "the same form; or the lists train.txt, test.txt and database.txt with lines 'path 0 1 0'."
        ),
    ),
)

PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in _ALL}
"""Every protocol, by name."""
