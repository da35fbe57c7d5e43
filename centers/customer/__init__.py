"""The customer centre (客户中心): who the customers are, who looks after them, how they may be reached.

Owns the tables `customer`, `relation`, `customer_left`, `account`, `contact`, `preference`, `reveal`.
"""
