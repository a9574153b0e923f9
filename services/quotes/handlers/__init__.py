"""Load, decide, append: what quotes does with heard facts, commands of sellers and of customers."""
