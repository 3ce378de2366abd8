"""What all stages share: configuration, storage, tables, ledger, manifest, session, progress."""
