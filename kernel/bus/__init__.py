"""The bus between processes (总线): tells at once, to whoever listens just then, what the database knows already.

What is told may be lost, so nobody relies on it: it only makes others look sooner.
"""
