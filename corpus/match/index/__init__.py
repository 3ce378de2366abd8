"""The seeds as vectors in files: balanced, searched exactly or approximately, mapped by executors."""
