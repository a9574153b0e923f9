"""quotes: the deal and its quotes, their lifecycle and API; the only sequencer."""
