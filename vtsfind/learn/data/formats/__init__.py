"""Reading labelled pictures from disk, by row number.

There are four kinds of `Source`:

``photos``
    A folder of photos, searched recursively; no labels.
``classes``
    A folder with one folder of photos for each class.
``mosaics``
    A folder with one picture for each class, such as `CLASS.webp`, made of equal square tiles.
``cifar10``
    The folder `cifar-10-batches-bin` of the official binary archive, see `vtsfind.learn.data.formats.cifar10`.

Rows are sorted by name, so that a row number means the same picture in every run. Data sets with a fixed training set,
queries and database are opened by `vtsfind.learn.data.protocols`.
"""

from vtsfind.learn.data.formats.cifar10 import CLASSES as CIFAR10_CLASSES
from vtsfind.learn.data.formats.pictures import Pictures
from vtsfind.learn.data.formats.sources import Source, load

__all__ = ["CIFAR10_CLASSES", "Pictures", "Source", "load"]
