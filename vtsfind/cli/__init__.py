"""The command line: parse, ask the engine, hand to the report, exit with the right code."""


def main() -> None:
    """Run the command that the process was started with."""
    from vtsfind.cli.app import app

    app(prog_name="vtsfind")
