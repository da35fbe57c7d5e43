"""Every handler of the house: importing this module registers them."""

from workers import code, housekeeping, probe

__all__ = ["code", "housekeeping", "probe"]
