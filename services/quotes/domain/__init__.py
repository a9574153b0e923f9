"""Pure decisions of quotes: state and command in, facts out; no clock, no ids made up, no I/O."""
