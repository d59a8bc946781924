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
        there = places()
        write_places(
            run.output,
            {
                "config": there.config_file,
                "data": there.data,
                "cache": there.cache,
                "state": there.state,
                "models": there.models,
                "library": there.library(run.settings.library),
            },
            json=run.json,
        )
