"""What an object shows when it is printed: the report's own blocks, on a screen."""
