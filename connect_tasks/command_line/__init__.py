"""The command line `connect-tasks`: campaigns from a table, a file of settings and a terminal.

Importing it loads neither Prefect nor pandas nor boto3; a command loads what it needs.
"""
