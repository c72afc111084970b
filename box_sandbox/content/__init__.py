"""The bytes of every file in the sandbox, made from its name, size and version alone.

Nothing here depends on a compressor, an image library or the clock, so the bytes are the same on
every machine and under every Python, and their SHA-1 can be kept in a text file.
"""
