"""Is a registry or a layer right: shape, meaning and cross references, each fault with its file and line."""
