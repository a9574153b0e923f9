"""The waterfall of a line: charges, rules, discounts, guardrails, each step kept."""
