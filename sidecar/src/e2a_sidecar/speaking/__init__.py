"""Sentences become samples. Everything between phonemes and int16 samples happens on the engine's device."""
