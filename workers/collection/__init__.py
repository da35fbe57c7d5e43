"""Collection (数据采集): deliveries of the source systems, checked to the letter, loaded whole or not at all.

Owns the tables `delivery`.
"""
