# syntax=docker/dockerfile:1
# Two images of one build, made in the checkout:
#   docker build --tag connect-tasks:0.2.0 .
#     for work pools of type docker, ecs or kubernetes; see docs/deploying.md
#   docker build --target local-connect --tag local-connect .
#     the local Amazon Connect; see docs/testing.md
FROM python:3.12-slim AS installed

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


FROM installed AS local-connect

# A volume that is mounted here belongs to who writes to it: --state-dir /state.
USER root
RUN install --directory --owner=campaigns /state
USER campaigns

EXPOSE 4577
# Inside a container there is nobody but whom its ports are published to: -p 127.0.0.1:4577:4577.
# Arguments of `docker run` come behind: --flow-file /flows/mine.json.
ENTRYPOINT ["python", "-m", "connect_tasks.emulator", "--host", "0.0.0.0"]
HEALTHCHECK --interval=5s --start-period=20s CMD ["python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:4577/_local/', timeout=3)"]


# The last one is what is built where no target is named.
FROM installed

# No CMD: the worker says what to run, and a container without one would only start Python.
