"""Secrets backends that ask a service over HTTP: Vault and OpenBao, AWS, Google Cloud, Azure.

Each backend has a file that says what is asked for (`vault.py`, `aws_secrets_manager.py`, …), and beside it
the ways to log in. `http.py` sends requests for all of them; `http_tokens.py` looks after their tokens.
"""
