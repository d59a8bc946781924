"""The marks of a review that several people do at the same time, and who looks at which group.

Who looks at a group is told by the name of the connection, which the server shows to everyone, and forgets with the connection.
"""

import json
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from vtsfind.base.addresses import ServerAddress
from vtsfind.store.postgres import schema
from vtsfind.store.postgres.connection import (
    APPLICATION_NAME_BYTES,
    connect,
    server_errors,
    translates_server_errors,
    who,
)

if TYPE_CHECKING:
    import psycopg

_LOOKS = "vtsfind looks at "

Changed = Mapping[str, Any]
"""Group key to a decision as JSON; None for the proposal, undecided."""


class SharedMarks:
    """The marks in a library on a server, over one connection at a time.

    Parameters
    ----------
    address
        Of the library.

    Raises
    ------
    StorageError
        If there is no such library, or it cannot be read.
    """

    def __init__(self, address: ServerAddress) -> None:
        self.place = address
        self._seen: dict[str, int] = {}
        """Group key to the number of the change that this review knows."""
        self._last = 0
        self._reconnecting = Lock()
        self._last_connection = connect(address)
        try:
            with server_errors(address):
                schema.require_current(self._last_connection, address, write=False)
        except BaseException:
            self._last_connection.close()
            raise

    @property
    def _connection(self) -> "psycopg.Connection[Any]":
        """The connection; a new one after one that was lost."""
        with self._reconnecting:
            if self._last_connection.broken:
                self._last_connection = connect(self.place)
            return self._last_connection

    def rewind(self) -> None:
        """Let `news` tell of all marks again."""
        self._seen.clear()
        self._last = 0

    @translates_server_errors
    def has_news(self) -> bool:
        """Whether `news` would tell of something, this session's own changes included."""
        row = self._connection.execute("SELECT EXISTS (SELECT FROM marks WHERE number > %s)", (self._last,))
        return bool(row.fetchone()[0])  # type: ignore[index]

    @translates_server_errors
    def news(self) -> dict[str, Any]:
        """What others changed since the last call."""
        rows = self._connection.execute(
            "SELECT number, group_key, decision FROM marks WHERE number > %s ORDER BY number", (self._last,)
        ).fetchall()
        changed = {}
        for number, key, decision in rows:
            self._last = number
            if self._seen.get(key) != number:
                self._seen[key] = number
                changed[key] = decision
        return changed

    @translates_server_errors
    def change(self, marks: Changed) -> str:
        """Change marks, all of them or none.

        Returns
        -------
        Who changed one of these groups since `news` told of it: then nothing was changed. Empty if all were changed.
        """
        keys = sorted(marks)
        with self._connection.transaction():
            # Numbers must become visible in their order, or `news` would miss one.
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (schema.lock_key("marks"),))
            rows = self._connection.execute(
                "SELECT group_key, number, changed_by FROM marks WHERE group_key = ANY(%s) FOR UPDATE",
                (keys,),
            ).fetchall()
            for key, number, changed_by in rows:
                if self._seen.get(key) != number:
                    return str(changed_by)
            stored = self._connection.execute(
                "INSERT INTO marks (group_key, decision, changed_by) SELECT key, decision::jsonb, %s"
                " FROM unnest(%s::text[], %s::text[]) AS t (key, decision) ON CONFLICT (group_key) DO UPDATE SET"
                " (decision, changed_by, number) = (excluded.decision, excluded.changed_by, DEFAULT)"
                " RETURNING group_key, number",
                (who(), keys, [None if marks[key] is None else json.dumps(marks[key]) for key in keys]),
            ).fetchall()
        self._seen.update(stored)
        return ""

    @translates_server_errors
    def look(self, key: str) -> tuple[str, ...]:
        """Tell others that this user looks at a group; gives who else does."""
        beginning = f"{_LOOKS}{key} "
        name = (beginning + who()).encode("ascii", "replace")[:APPLICATION_NAME_BYTES].decode()
        rows = self._connection.execute(
            "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND starts_with(application_name, %s)",
            (beginning,),
        ).fetchall()
        self._connection.execute("SELECT set_config('application_name', %s, false)", (name,))
        return tuple(sorted({text.removeprefix(beginning) for (text,) in rows}))

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._last_connection.close()
