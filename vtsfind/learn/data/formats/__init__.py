"""Pictures to learn from and to measure on: what is on disk, with its labels, by row.

Four kinds of `Source` are read:

``photos``
    A folder of photos, searched through; no labels.
``classes``
    A folder with one folder of photos a class.
``mosaics``
    A folder with one picture a class, `CLASS.webp` or the like, made of equal square tiles.
``cifar10``
    The folder `cifar-10-batches-bin` of the official binary archive, see `vtsfind.learn.data.formats.cifar10`.

Rows are in a fixed order (by name), so that a row number means the same picture in every run. Data sets with a fixed
training set, queries and database are opened by `vtsfind.learn.data.protocols`.
"""

from vtsfind.learn.data.formats.cifar10 import CLASSES as CIFAR10_CLASSES
from vtsfind.learn.data.formats.pictures import Pictures
from vtsfind.learn.data.formats.sources import Source, load

__all__ = ["CIFAR10_CLASSES", "Pictures", "Source", "load"]
