"""What a shell completes as the values of options. Nothing here opens a library."""


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
    """The heads of the default model."""
    from vtsfind.engine.library.access import card_named

    return [head.name for head in card_named("").network.heads]


def complete_models() -> list[str]:
    """The models by name."""
    from vtsfind.engine.library.models import models

    return [model.card.name for model in models()]


def complete_runs() -> list[str]:
    """The runs of `vtsfind apply`, the latest first."""
    from vtsfind.engine.apply.undo import history

    return [record.run for record in reversed(history())]
