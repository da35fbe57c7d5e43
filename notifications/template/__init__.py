"""Templates (模板): kept in versions, rendered, and held to what a channel can carry."""
