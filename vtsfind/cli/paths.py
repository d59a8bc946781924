"""`vtsfind paths`: the folders that vtsfind uses."""

from vtsfind.cli.command import running
from vtsfind.cli.options import CommonOptions


def paths(*, common: CommonOptions) -> None:
    """Print where vtsfind keeps its settings, libraries, models and journal.

    Four environment variables move these folders: VTSFIND_CONFIG_DIR, VTSFIND_DATA_DIR, VTSFIND_CACHE_DIR and
    VTSFIND_STATE_DIR.
    """
    with running(common) as run:
        from vtsfind.base.settings import places
        from vtsfind.engine.library.access import library_place
        from vtsfind.report.paths import write_places

        folders = places()
        write_places(
            run.output,
            {
                "config": folders.config_file,
                "data": folders.data,
                "cache": folders.cache,
                "state": folders.state,
                "models": folders.models,
                "library": library_place(run.settings),
            },
            json=run.json,
        )
