"""Who shops? Simulated visitors of the example shop; it knows the shop's shelves and what the tracker says, no more."""
