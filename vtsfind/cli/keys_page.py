"""Writes docs/keys.md from the table of keys: `python -m vtsfind.cli.keys_page > docs/keys.md`."""

from vtsfind.report.streams import Output
from vtsfind.tui.keys import page

if __name__ == "__main__":
    Output().raw(page().encode())
