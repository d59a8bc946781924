"""A plan as NDJSON, for programs that edit it.

A header ``{"type":"header","schema":1,"command":"plan","vtsfind":VERSION,"made":TIME,"made_by":COMMAND,"library":PATH}``
with ``"to":PATH`` if files are to be moved, and ``"host":NAME`` if several machines share the library; a line for each group; a footer with counts. A group is ``{"type":"group",
"id":1,"remove_all":false,"files":[FILE, ...]}``, first the photo that all others were compared with, and a FILE is
``{"path":PATH,"size":BYTES,"sha256":HEX,"verdict":null,"action":"keep","reason":"...","companions":[{"path":PATH,
"size":BYTES,"sha256":HEX}]}``, where a companion that moves over to the kept photo has ``"to":PATH``. A file that is left out, or whose action is null, is left alone. A path that is not valid
UTF-8 is also given in base 64, under its key with ``_b64`` appended, which takes precedence. `vtsfind.report.plan` writes it.
"""

import json
from typing import Any

from vtsfind.act.plan import Plan, PlannedFile, PlannedGroup, Sidecar
from vtsfind.act.plan_rules import require_valid
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Verdict
from vtsfind.base.operations import Action
from vtsfind.base.paths import path_from_fields

SCHEMA = 1
"""The latest schema of `vtsfind.report.ndjson` that is understood."""


def read_plan_json(content: bytes, where: str = "The plan") -> Plan:
    """Read a plan that may have been edited.

    Parameters
    ----------
    content
        The lines.
    where
        Its name in error messages.

    Raises
    ------
    UsageError
        If a line is invalid; the message names it.
    PlanRefused
        If the plan breaks the rules.
    """
    header: dict[str, Any] | None = None
    footer = False
    groups = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if header is None:
                header = _header(record)
            elif record["type"] == "group":
                groups.append(_group(record))
            else:
                footer = footer or record["type"] == "footer"
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(
                f"{where}, line {number}, is invalid: {_error_text(error)}.",
                "Nothing was changed. Correct the line, or make the plan again.",
            ) from error
    if header is None or not footer:
        raise UsageError(f"{where} is incomplete: its footer is missing.", "Make the plan again.")
    made, command, version, host = (
        str(header.get(name, "")) for name in ("made", "made_by", "vtsfind", "host")
    )
    library, target = _path(header, "library"), path_from_fields(header, "to")
    plan = Plan(tuple(groups), made, command, version, library, target, host)
    require_valid(plan, where)
    return plan


def _error_text(error: Exception) -> str:
    return f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)


def _header(record: dict[str, Any]) -> dict[str, Any]:
    if record["type"] != "header" or record["command"] != "plan":
        raise ValueError("a plan must begin with its header")
    if record["schema"] > SCHEMA:
        raise ValueError("it was written by a newer vtsfind")
    _path(record, "library")
    return record


def _path(record: dict[str, Any], name: str = "path") -> bytes:
    path = path_from_fields(record, name)
    if path is None:
        raise KeyError(name)
    return path


def _group(record: dict[str, Any]) -> PlannedGroup:
    remove_all = record.get("remove_all", False)
    if type(record["id"]) is not int or type(remove_all) is not bool:
        raise ValueError("'id' must be a number, and 'remove_all' true or false")
    return PlannedGroup(record["id"], tuple(_file(file) for file in record["files"]), remove_all)


def _file(record: dict[str, Any]) -> PlannedFile:
    verdict, action = record["verdict"], record["action"]
    return PlannedFile(
        _path(record),
        _size(record),
        bytes.fromhex(record["sha256"]),
        None if verdict is None else Verdict(verdict),
        None if action is None else Action(action),
        " ".join(str(record.get("reason", "")).split()),
        tuple(
            Sidecar(_path(one), _size(one), bytes.fromhex(one["sha256"]), path_from_fields(one, "to"))
            for one in record.get("companions", [])
        ),
    )


def _size(record: dict[str, Any]) -> int:
    if type(record["size"]) is not int:
        raise ValueError("'size' must be a number of bytes")
    return int(record["size"])
