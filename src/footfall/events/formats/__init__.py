"""Files of history, read as chunks of Segment-spec JSON lines: one module a kind of file, one for their order."""
