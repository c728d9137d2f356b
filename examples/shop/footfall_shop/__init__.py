"""A small real web shop with the tracker on it: what ``footfall demo`` shows visitors, and what tests shop in."""
