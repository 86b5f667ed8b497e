"""Reports: their data, rates, wording, tables and plots."""
