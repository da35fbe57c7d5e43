"""Every handler of the house: importing this module registers them."""

from workers.messaging import one_time_code, reminder
from workers.operations import housekeeping, months
from workers.product import product_view, subscription
from workers.runtime import probe

__all__ = ["housekeeping", "months", "one_time_code", "probe", "product_view", "reminder", "subscription"]
