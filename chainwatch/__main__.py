"""``python -m chainwatch``: the command line, where the installed command is not at hand."""

from chainwatch.cli.app import main

if __name__ == "__main__":
    main()
