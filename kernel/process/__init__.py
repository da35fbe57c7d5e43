"""What every process needs on its host: ports, its parent, addresses, retries, probes."""
