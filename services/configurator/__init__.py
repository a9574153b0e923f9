"""The configurator: questions, valid options, conflicts explained and repaired, parts."""
