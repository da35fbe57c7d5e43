"""The employee centre (员工中心): the organisation, the people in it, and the roles that they hold.

Owns the tables `unit`, `unit_under`, `employee`, `assignment`, `role`, `role_permission`.
"""
