"""What a seller may move: targets, the next break, other quantities, list prices of parts."""
