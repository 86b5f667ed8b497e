"""What counts of votes prove, and what a certificate may cost: functions of plain numbers."""
