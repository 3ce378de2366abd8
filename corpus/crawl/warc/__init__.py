"""Archives to records: containers, members, frames, headers and bodies, damaged or not."""
