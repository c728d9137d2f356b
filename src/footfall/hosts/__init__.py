"""Wiring of engine, ports and web into processes; a page each, no decisions."""
