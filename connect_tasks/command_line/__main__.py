"""Runs the command line by itself: `python -m connect_tasks.command_line`."""

from connect_tasks.command_line.app import run_process

if __name__ == "__main__":
    run_process()
