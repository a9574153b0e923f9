"""The command: starts the house on a laptop, shows the walk, answers why and what waits."""
