"""One language, one file: how it writes values and sets a text. Its words are TOML in `locale`."""
