"""Databases of users: how their addresses are shown, a query's rows out, a result's rows in."""
