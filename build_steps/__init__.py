"""What `build.py` does, a room for each: packaging, locks, the machine's set-up, a throwaway Calibre, demo, tests, bench.

Runs with a bare system Python 3.11 or newer, standard library only. Uses the plugin's own Calibre-free modules to
install the engine, so that the same code is tried here and in Calibre.
"""
