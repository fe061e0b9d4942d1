"""Where the user pool keeps what must outlive the process: ports (verbs), and one implementation in SQL."""
