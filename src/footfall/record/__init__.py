"""The visitor's fixed-layout record and the pure functions that move and read it."""
