"""Languages with braces, each told by how its declarations begin and its comments are written."""

from corpus.seeds.code.languages.cfamily import CPP, C
from corpus.seeds.code.languages.golang import GO
from corpus.seeds.code.languages.java import JAVA
from corpus.seeds.code.languages.javascript import JAVASCRIPT, TYPESCRIPT
from corpus.seeds.code.languages.rust import RUST

LANGUAGES = {one.name: one for one in (C, CPP, GO, JAVA, JAVASCRIPT, TYPESCRIPT, RUST)}

__all__ = ["LANGUAGES"]
