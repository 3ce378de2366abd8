"""Many runs of the trainer: started beside each other or as batch scripts, and measured."""
