"""The six business centres (六中心): customer, product, employee, service, marketing, analysis.

Each comes with its first function, as a package with one `<noun>.py` and `<noun>.sql` per noun, and `<noun>_rules.py`
where logic is pure; the six are independent of one another: one reads another's tables by a join, and writes there only
by an event.
"""
