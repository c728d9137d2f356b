"""Benchmarks, each with the peer or limit that it measures beside itself in the same run."""
