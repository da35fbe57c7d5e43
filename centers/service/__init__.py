"""The service centre (服务中心): conversations of investors with their brokers, and who is there to hold them.

Owns the tables `conversation`, `former_holder`, `participant`, `message`, `rating`, `staff_status`, `attendance`.
"""
