"""Words, errors, clock and ids that every room shares; imports nothing of Footfall."""
