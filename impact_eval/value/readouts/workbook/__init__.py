"""The sheets of an account's workbook: what is given, the calculation, the ledger, the tables."""
