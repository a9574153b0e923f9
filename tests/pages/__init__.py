"""The pages in a real Chromium, and what forged or foreign requests meet at their doors."""
