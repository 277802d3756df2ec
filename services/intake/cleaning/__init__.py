"""From quarantine to the documents: every upload is inspected in a child process and scanned before anyone
gets it."""
