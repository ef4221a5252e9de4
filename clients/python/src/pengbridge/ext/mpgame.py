"""Empty, as in peng3dnet; here so that importing it works."""
