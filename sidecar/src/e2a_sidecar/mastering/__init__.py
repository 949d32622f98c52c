"""Clips become one even stream: the store of clips, fades, loudness, pauses, the time line. NumPy only."""
