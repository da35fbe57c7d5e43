"""Every handler of the house: importing this module registers them."""

from workers import code, housekeeping, probe, reminder

__all__ = ["code", "housekeeping", "probe", "reminder"]
