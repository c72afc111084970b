"""What tests turn: everything under /_control, on this machine only, JSON in and JSON out."""
