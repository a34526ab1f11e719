"""What is read from an account: costs and benefits, public funds, the sentence, the workbook."""
