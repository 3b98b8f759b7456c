"""Who may do what: accounts, their API keys, and the first start.

Law: a secret is shown once, when it is made, and kept only as a digest.
"""
