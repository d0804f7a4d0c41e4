"""Files in and out: what other programs and people write, read and checked; what they read, written."""
