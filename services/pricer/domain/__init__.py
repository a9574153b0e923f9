"""What a price is: books, rules, the waterfall, its trace. No clock, no files, no chance."""
