"""Everything that only a real graphics card can show, by one command: see `on_the_device` and docs/gpu.md."""
