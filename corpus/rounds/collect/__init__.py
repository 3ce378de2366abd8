"""What a round brings: how much is new, and labels for the next one."""
