"""The front end of the students of Kokoro: English text to misaki's phonemes by hibari-tts, whose names are met in `package` alone."""
