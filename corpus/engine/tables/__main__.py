"""python -m corpus.engine.tables > docs/tables.md"""

from corpus.engine.tables.dictionary import markdown

if __name__ == "__main__":
    print(markdown(), end="")
