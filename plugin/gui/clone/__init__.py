"""Cloning a voice, in a window: the dialog, its waveform, what is said of a recording, and what a clone needs before it can speak."""
