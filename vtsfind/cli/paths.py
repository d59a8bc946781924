"""`vtsfind paths`: where things are."""

from vtsfind.cli import options
from vtsfind.cli.command import running


def paths(
    *,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Show where things are: settings, libraries, models.

    Each folder can be moved by an environment variable: VTSFIND_CONFIG_DIR, VTSFIND_DATA_DIR, VTSFIND_CACHE_DIR,
    VTSFIND_STATE_DIR.
    """
    from vtsfind.base.settings import places
    from vtsfind.report.paths import write_places

    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        folders = places()
        write_places(
            run.output,
            {
                "config": folders.config_file,
                "data": folders.data,
                "cache": folders.cache,
                "state": folders.state,
                "models": folders.models,
                "library": folders.library(run.settings.library),
            },
            json=run.json,
        )
