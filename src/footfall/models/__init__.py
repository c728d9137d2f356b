"""Features in, propensity out: what is learned from the past, and how it is judged and served."""
