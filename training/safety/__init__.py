"""What keeps a run from being spoilt: spikes are told from noise, and a bad document is named."""
