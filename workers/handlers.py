"""Every handler of the house: importing this module registers them."""

from workers import code, housekeeping, probe, product_view, reminder, subscription

__all__ = ["code", "housekeeping", "probe", "product_view", "reminder", "subscription"]
