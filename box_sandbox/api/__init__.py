"""The part of Box's content API that is stood in for: `/2.0`, reading only."""
