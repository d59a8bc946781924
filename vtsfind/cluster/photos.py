"""What a machine of the cluster does with photos: an actor that reads and encodes, with the same processes as at home.

A photo that is stuck costs itself only, by the deadline of `vtsfind.media.pool`. What goes wrong with the machine itself is
an error that names it.
"""

import socket
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from vtsfind.base.errors import ModelMismatch, VtsfindError
from vtsfind.base.progress import CancelToken
from vtsfind.base.records import Entry, Failure, Signature
from vtsfind.base.settings import Settings
from vtsfind.engine.decoding import work_pool
from vtsfind.engine.library.access import EncoderLike, card_with, load_encoder
from vtsfind.engine.work.processes import decode_pool, encoded_entries
from vtsfind.media.pool import DecodePool, DecodeTask, Job, JobResult, WorkPool

if TYPE_CHECKING:
    from vtsfind.learn.models.registry import ModelCard


class PhotoWorker:
    """Reads photos, and encodes them by the model of a library. Two batches at once: one is decoded, one is encoded.

    Parameters
    ----------
    settings
        The limits of decoding, the batch, the device, and the number of processes.
    model
        The model, and for how many pictures it is loaded; None for reading alone.
    """

    def __init__(self, settings: Settings, model: tuple[Signature, int] | None) -> None:
        self._settings = settings
        self._model = model
        self._reading = threading.Lock()
        self._encoding = threading.Lock()
        self._never = CancelToken()

    def begin(self) -> None:
        """Load the model.

        Raises
        ------
        VtsfindError
            If it is not here, or damaged; names the machine.
        """
        try:
            if self._model is not None:
                _ = self._encoder
        except VtsfindError as error:
            host = socket.gethostname()
            raise type(error)(f"On the machine {host}: {error.message}", error.remedy) from None

    @cached_property
    def _card(self) -> "ModelCard":
        assert self._model is not None
        card = card_with(self._model[0])
        if card is None:
            raise ModelMismatch(
                f"There is no model '{self._model[0].model}' with the weights that the library was made with.",
                "Put it into the folder of models there, which `vtsfind paths` names.",
            )
        return card

    @cached_property
    def _encoder(self) -> EncoderLike:
        assert self._model is not None
        return load_encoder(self._card, self._settings, self._model[1])

    @cached_property
    def _decoders(self) -> DecodePool:
        return decode_pool(self._card.preprocessing, self._settings)

    @cached_property
    def _readers(self) -> WorkPool:
        return work_pool(self._settings)

    def encode(self, tasks: list[DecodeTask]) -> list[Entry | Failure]:
        """Decode and encode photos; gives one result for each."""
        with self._reading:
            items = list(self._decoders.prepared(tasks, self._never))
        fresh = [item for item in items if not isinstance(item, Failure) and item.pixels is not None]
        size = self._settings.batch
        with self._encoding:
            parts = [fresh[start : start + size] for start in range(0, len(fresh), size)]
            entries = {entry.path: entry for part in parts for entry in encoded_entries(part, self._encoder)}
        return [
            item
            if isinstance(item, Failure)
            else entries.get(item.found.path, Entry(item.found.path, item.found.stamp, item.digest))
            for item in items
        ]

    def read(self, jobs: list[Job]) -> list[JobResult | Failure]:
        """Process files; gives one result for each."""
        with self._reading:
            return list(self._readers.done(jobs, self._never))
