"""Which other ways are there to foretell orders, and how good are they? One file a rival, all with one shape."""
