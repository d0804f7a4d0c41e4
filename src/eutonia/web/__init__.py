"""Pages and a JSON API in one process: a translator of the same requests as the command line. No science lives here."""
