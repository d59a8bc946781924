"""The current planes of a library: from the planes file if it is valid, otherwise from the database."""

from contextlib import suppress

import numpy as np

from vtsfind.base.errors import UsageError
from vtsfind.store import planes
from vtsfind.store.database import Database
from vtsfind.store.planes import Planes, PlanesUnusable


class PublishedPlanes:
    """The planes of an open database, mapped once for each state of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._heads = {head.name: head for head in database.signature.heads}
        self._path = database.folder / planes.NAME
        self._state = b""
        self._known: dict[str, Planes] = {}

    def of_head(self, head: str) -> Planes:
        """The planes of one head.

        Raises
        ------
        UsageError
            If the library's model has no such head.
        """
        if head not in self._heads:
            raise UsageError(
                f"The library {self._database.folder} has no '{head}' codes.",
                f"Use one of: {', '.join(self._heads)}.",
            )
        if self._database.codes_changed:
            return self.built()[1][head]
        state = self._database.state()
        if state != self._state:
            self._state, self._known = state, {}
        if head not in self._known:
            try:
                self._known[head] = self._read(head, state)
            except PlanesUnusable:
                self._state, self._known = self.built()
                with suppress(OSError):
                    self._write()
        return self._known[head]

    def built(self) -> tuple[bytes, dict[str, Planes]]:
        """The planes of all heads, built from the database, and the state that they belong to."""
        with self._database.snapshot():
            state = self._database.state()
            rows, codes = self._database.live_codes()
        return state, planes.build(self._database.signature.heads, rows, codes)

    def read(self) -> list[Planes]:
        """The planes of all heads, from the file.

        Raises
        ------
        PlanesUnusable
            If the file is missing, damaged or out of date.
        """
        state = self._database.state()
        return [self._read(head, state) for head in self._heads]

    def _read(self, head: str, state: bytes) -> Planes:
        return planes.read(self._path, self._heads[head], state, self._database.signature)

    def matches_database(self) -> bool:
        """Whether a valid file equals the database, bit by bit."""
        expected = self.built()[1]
        return all(
            np.array_equal(found.rows, expected[found.head].rows)
            and np.array_equal(found.words, expected[found.head].words)
            for found in self.read()
        )

    def refresh(self, *, compare: bool = False) -> str:
        """Write the file again if it is invalid or, if `compare`, differs from the database.

        Returns
        -------
        The fault that it had; empty if it had none.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        problem = ""
        try:
            self.read()
            if compare and not self.matches_database():
                problem = f"{self._path} does not hold the codes of the database"
        except PlanesUnusable as error:
            problem = str(error)
        if problem:
            self._state, self._known = self.built()
            self._write()
        return problem

    def _write(self) -> None:
        planes.write(self._path, self._known, self._state, self._database.signature)
