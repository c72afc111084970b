"""What may go wrong around Plumbline, and what must hold whatever does."""
