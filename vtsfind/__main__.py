"""`python -m vtsfind` is `vtsfind`."""

from vtsfind.cli import main

if __name__ == "__main__":
    main()
