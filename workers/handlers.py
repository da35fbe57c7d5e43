"""Every handler of the house: importing this module registers them."""

from workers import code, housekeeping, months, probe, product_view, reminder, subscription

__all__ = ["code", "housekeeping", "months", "probe", "product_view", "reminder", "subscription"]
