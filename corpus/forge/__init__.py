"""The whole road in order: one workspace, one folder per stage, going on where it stopped.

Each stage decides by its own fingerprint whether there is anything left to do; this package only knows the
order and hands each stage what the one before has made.
"""
