"""Runs python-mistralclient's command many times, each time in a process of its own.

Python and the libraries are loaded once, which is what most of the time of a single command goes to. Each line of the
standard input is a JSON object: args, env, and the files that the output goes to. Each line of the standard output is the
exit code of one of them, in order.
"""

import json
import os
import sys
import traceback

from mistralclient import shell


def warm_up():
    """Loads what the first command would load; its output goes nowhere."""
    nowhere = open(os.devnull, "w")
    sys.stdout = sys.stderr = nowhere
    try:
        shell.main(["workflow-list", "-h"])
    except SystemExit:
        pass
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__


def run(request):
    """Runs one command in this process, which ends with it."""
    for number, path in ((1, request["out"]), (2, request["err"])):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["mistral"] + request["args"]
    code = 1
    try:
        code = shell.main(request["args"]) or 0
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else (0 if e.code is None else 1)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main():
    replies = os.fdopen(os.dup(1), "w")
    warm_up()
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if child == 0:
            run(json.loads(line))
        _, status = os.waitpid(child, 0)
        replies.write("%d\n" % os.waitstatus_to_exitcode(status))
        replies.flush()


main()
