"""What a trial found: counted first, then figures, words and the table of the terminal."""
