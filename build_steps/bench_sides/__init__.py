"""What `build.py bench` starts in processes of their own, one for each side of a comparison. `serving` says how they are spoken to.

They run with the Python of the layer that has what they need, so a module here imports at its top what every layer has,
and never another module of `build_steps` outside this folder.
"""
