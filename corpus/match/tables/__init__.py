"""What the stage writes of its decided pages."""
