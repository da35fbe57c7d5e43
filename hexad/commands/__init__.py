"""The commands, by what they are for. Each imports what it needs where it runs, so that `--help` answers at once."""
