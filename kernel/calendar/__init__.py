"""The trading calendar (交易日历): pure rules over days, and what administrators correct."""
