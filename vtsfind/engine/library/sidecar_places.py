"""What becomes of the sidecars of a photo that goes: they go with it, move over to the kept photo, or the photo stays for them."""

import os
from dataclasses import replace

from vtsfind.act.checks import CheckFailed, digest_of, stat_regular_file
from vtsfind.act.plan import Sidecar
from vtsfind.base.groups import Photo
from vtsfind.base.paths import show_path
from vtsfind.engine.library.sidecars import Sidecars


class SidecarPlaces:
    """Settles sidecars one photo after the other; a name that one got is not free for the next."""

    def __init__(self) -> None:
        self._finder = Sidecars()
        self._given: dict[bytes, bytes] = {}
        self._digests: dict[bytes, bytes] = {}

    def settle(self, photo: Photo, keeper: Photo | None) -> tuple[Sidecar, ...] | None:
        """The sidecars of a photo that goes for a kept one, each with its new place if the kept photo has none like it.

        Without a kept one, all go with their photo. None if one has nowhere to go: then the photo must stay, too.
        """
        settled = []
        given = dict(self._given)
        for path in photo.sidecars:
            if keeper and path in keeper.sidecars:
                continue
            try:
                sidecar = Sidecar(path, stat_regular_file(path).size, self._digest(path))
                if keeper and not self._has_same(keeper, sidecar):
                    place = self._finder.free_place(path, photo.path, keeper.path)
                    if place is None or given.setdefault(place, sidecar.digest) != sidecar.digest:
                        return None
                    if place not in self._given:
                        sidecar = replace(sidecar, target=place)
            except (CheckFailed, OSError):
                return None
            settled.append(sidecar)
        self._given = given
        return tuple(settled)

    def problem(self, photo: Photo, keeper: Photo) -> str:
        """Why a photo must stay for the sake of its sidecars, in words; empty if it need not."""
        if not photo.sidecars or self.settle(photo, keeper) is not None:
            return ""
        names = ", ".join(show_path(os.path.basename(path)) for path in photo.sidecars)
        return f"has {names}, which the kept one lacks and which cannot be moved to it"

    def _has_same(self, keeper: Photo, sidecar: Sidecar) -> bool:
        """Whether one of the kept photo's own sidecars has the same content."""
        return any(
            stat_regular_file(path).size == sidecar.size and self._digest(path) == sidecar.digest
            for path in keeper.sidecars
        )

    def _digest(self, path: bytes) -> bytes:
        if path not in self._digests:
            self._digests[path] = digest_of(path, stat_regular_file(path))
        return self._digests[path]
