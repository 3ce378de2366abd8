"""Where documents come from: inputs of any layout, brought to the columns of a shard."""

from __future__ import annotations

# Reasons in the ledger that say a record could not be read; all others say that it is not wanted.
FAILURES = (
    *("malformed", "not_utf8", "too_large", "damaged", "zstd_window", "text_not_string"),
    *("no_conversation", "unknown_role", "not_text", "tools_not_json", "calls_not_json"),
)
