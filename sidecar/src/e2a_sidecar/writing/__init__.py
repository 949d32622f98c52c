"""The stream becomes a file: encoded, tagged, chaptered, read back and verified, then shown."""
