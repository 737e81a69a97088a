"""The sample picture and the program that renders it."""
