"""Measurements of the whole scheduler, each beside a floor of the same machine in the same run."""
