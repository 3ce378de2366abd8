"""Checkpoints are folders that are whole and verified, or do not exist.

    checkpoints/step_N/shard-*.safetensors   model and optimiser state, a file per rank, for any world size
    checkpoints/step_N/state.json            step, loader cursors, fingerprint, tokens per source
    checkpoints/step_N/config.json           the model's shape, so that the folder can begin another stage
    checkpoints/step_N/manifest.json         size and sha256 of each file and of itself, written last

A save goes to a fresh folder, is forced to disk, and is renamed. Nothing writes into a finished folder:
torch's own loader would then read a mix of old and new without a word. No file needs pickle.
"""
