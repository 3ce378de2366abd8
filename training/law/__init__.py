"""The mixing law: losses of small runs over data shares, fitted, checked on what was set aside, and used."""
