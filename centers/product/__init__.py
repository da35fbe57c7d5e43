"""The product centre (产品中心): what can be subscribed to, for whom it is suitable, and what advisers say about it.

Owns the tables `product`, `contract`, `questionnaire`, `question`, `question_choice`, `assessment`, `suitability`,
`agreement`, `subscription`, `advisory_position`, `product_view`, `product_view_reader`.
"""
