"""Logs of tries: captured where they are written, masked, and put into files or onto the terminal."""
