"""Reading and declaring a value map: its cells, its tables, the catalogue of dated figures."""
