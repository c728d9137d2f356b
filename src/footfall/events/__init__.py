"""From what clients send to columns the kernel understands: wire, kinds, clean, enrich."""
