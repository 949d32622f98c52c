"""How equal our phoneme ids are to those of coqui's and Piper's own front ends; see docs/phonemes.md."""
