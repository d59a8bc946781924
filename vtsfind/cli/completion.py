"""What a shell completes as the values of options. Only cameras need a library, in a folder: no server is asked."""

import typer


def complete_kinds() -> list[str]:
    """Kinds of duplicates."""
    from vtsfind.base.groups import Verdict

    return ["copies", *Verdict]


def complete_actions() -> list[str]:
    """What a plan may do to a photo that is not kept."""
    from vtsfind.base.operations import Action

    return [action for action in Action if action is not Action.KEEP]


def complete_libraries() -> list[str]:
    """The user's libraries by name."""
    from vtsfind.engine.library.access import library_names

    return library_names()


def complete_heads() -> list[str]:
    """What photos can be compared by with the default model."""
    from vtsfind.engine.library.access import card_named
    from vtsfind.engine.library.heads import ways_to_compare

    return ways_to_compare(card_named("").signature)


def complete_models() -> list[str]:
    """The models by name."""
    from vtsfind.engine.library.models import models

    return [model.card.name for model in models()]


def complete_runs() -> list[str]:
    """The runs of `vtsfind apply`, the latest first."""
    from vtsfind.engine.apply.undo import history

    return [record.run for record in reversed(history())]


def complete_cameras(ctx: typer.Context) -> list[str]:
    """The cameras of the library that the command line names."""
    from vtsfind.base.addresses import ServerAddress
    from vtsfind.base.errors import VtsfindError
    from vtsfind.base.settings import load_settings
    from vtsfind.engine.library.access import library_place, open_library

    try:
        settings = load_settings({"library": ctx.params.get("library")})
        if isinstance(library_place(settings), ServerAddress):
            return []
        with open_library(settings) as index:
            return index.cameras()
    except VtsfindError:
        return []
