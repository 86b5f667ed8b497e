"""What counts of votes prove, and what a certificate may cost: numbers in, numbers out."""
