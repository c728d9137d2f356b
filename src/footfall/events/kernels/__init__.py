"""The compiled part of reading: JSON bytes to columns, for events without anything odd."""
