"""`python -m flowcore.cli`."""

from flowcore.cli.entry import main

if __name__ == "__main__":
    main()
