"""`python -m flowcore.cli`."""

from flowcore.cli.root import main

if __name__ == "__main__":
    main()
