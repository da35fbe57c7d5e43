"""Figures of Hexad beside a floor and a peer, measured in one run on one machine: `hexad bench …`."""
