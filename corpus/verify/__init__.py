"""Checks of finished stages from their files alone: no Spark, bounded memory."""
