"""Every handler of the house: importing this module registers them."""

from workers import housekeeping, probe

__all__ = ["housekeeping", "probe"]
