"""Voices: what they are on disk, and how their weights come into a runtime."""
