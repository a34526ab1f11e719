"""From a map and its estimates to a ledger that balances, and the guards over it."""
