"""Labels of pages: asked of models by a rubric, given by rules, seeds and files; each says who gave it."""
