"""Footfall tells an online shop who is on the site, what they will do next, and acts on it."""

__version__ = "0.1.0"
