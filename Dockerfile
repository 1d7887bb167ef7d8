# syntax=docker/dockerfile:1
# For work pools of type docker, ecs or kubernetes; see docs/deploying.md. Build it in the checkout:
#   docker build --tag connect-tasks:0.2.0 .
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    DO_NOT_TRACK=1

RUN useradd --create-home --uid 1000 campaigns
WORKDIR /srv/connect-tasks

# What changes least comes first: the packages stay in a layer of their own.
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY connect_tasks connect_tasks
RUN pip install --constraint constraints.txt '.[postgresql]'

USER campaigns

# No CMD: the worker says what to run, and a container without one would only start Python.
