"""Operators, sensors and hooks beside the SDK, a package for each service."""
