# SPDX-License-Identifier: MIT
"""Does `vfiosim tour` run to its end on a terminal, with answers typed, and over a pipe?

    tour.py VFIOSIM

The terminal is a window of a tmux server of our own. Prints "ok", "not ok" and "skip:"
lines, exits 1 if one of the tours does not end as it should.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from report import Report, end_on_sigterm, skip

SECONDS = 120
PROMPT = re.compile(r"q: stop\)?:? ?$")     # of a question, and between lessons
ANSWERS = "abc"


def score(text):
    """(right, asked) of the last line."""
    found = re.search(r"Your score: (\d+) of (\d+) right", text)
    return (int(found[1]), int(found[2])) if found else None


def right_answers(vfiosim):
    """The letters, as a tour without questions tells them, and how many lessons there are."""
    told = subprocess.run([vfiosim, "tour", "--no-questions"], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, timeout=SECONDS, check=True).stdout
    listed = subprocess.run([vfiosim, "tour", "--list"], text=True, stdout=subprocess.PIPE,
                            timeout=SECONDS, check=True).stdout
    return re.findall(r"^It is ([abc])\.$", told, re.MULTILINE), len(listed.splitlines())


class Terminal:
    """A window in which a command runs; what it shows is read, and keys are typed."""

    def __init__(self, folder, *command):
        self._tmux = ["tmux", "-S", os.path.join(folder, "socket"), "-f", "/dev/null"]
        # The window stays until it is closed; its last line says how the command ended.
        self._run("new-session", "-d", "-x", "110", "-y", "60", "-s", "tour", "sh", "-c",
                  '"$@"; echo "ended: $?"; exec sleep 1000', "sh", *command)

    def _run(self, *arguments):
        return subprocess.run([*self._tmux, *arguments], stdout=subprocess.PIPE, text=True,
                              timeout=SECONDS, check=True).stdout

    def screen(self):
        """What is to be seen now, without empty lines at its end."""
        return self._run("capture-pane", "-p", "-t", "tour").rstrip("\n ")

    def all(self):
        """What was shown so far, wrapped lines joined."""
        return self._run("capture-pane", "-p", "-J", "-S", "-", "-t", "tour")

    def status(self):
        """The command's exit status; None: it runs."""
        ended = re.search(r"^ended: (\d+)$", self.screen(), re.MULTILINE)
        return int(ended[1]) if ended else None

    def wait(self, prompts):
        """Until there is another prompt than @prompts, counted, or the command has ended."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if self.status() is not None:
                return None
            count = len(re.findall(r"q: stop\)?:? ?", self.all()))
            if count > prompts and PROMPT.search(self.screen().split("\n")[-1] + " "):
                return count
            time.sleep(0.02)
        return None

    def type(self, text):
        """As on a keyboard, with Enter behind it."""
        self._run("send-keys", "-t", "tour", *([text] if text else []), "Enter")

    def close(self):
        """Ends tmux, and what runs in it."""
        subprocess.run([*self._tmux, "kill-server"], stderr=subprocess.DEVNULL, timeout=SECONDS,
                       check=False)


def typed(vfiosim, answers):
    """The tour on a terminal: one answer after the other, Enter between lessons."""
    with tempfile.TemporaryDirectory(prefix="vfiosim-tour-") as folder:
        terminal = Terminal(folder, vfiosim, "tour")
        try:
            prompts, left = 0, list(answers)
            while (prompts := terminal.wait(prompts)) is not None:
                asks = "Your answer" in terminal.screen().split("\n")[-1]
                terminal.type(left.pop(0) if asks and left else "")
            return terminal.all(), terminal.status()
        finally:
            terminal.close()


def piped(vfiosim, answers):
    """The tour over a pipe."""
    done = subprocess.run([vfiosim, "tour"], input="".join(a + "\n" for a in answers), text=True,
                          stdout=subprocess.PIPE, timeout=SECONDS, check=False)
    return done.stdout, done.returncode


def check(report, how, tour, vfiosim, answers, expected):
    """One tour: its score, every lesson to its last sentence, exit status 0."""
    text, status = tour(vfiosim, answers)
    lessons = len(re.findall(r"^What this shows: ", text, re.MULTILINE))
    report.check(status == 0 and score(text) == expected and lessons == expected[1],
                 f"the tour {how}: {expected[0]} of {expected[1]} right, each lesson told",
                 f"exit status {status}, score {score(text)}, {lessons} lessons told\n" + text[-2000:])


def main():
    """Command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: tour.py VFIOSIM")
    end_on_sigterm()
    vfiosim, report = os.path.abspath(sys.argv[1]), Report()
    right, lessons = right_answers(vfiosim)
    report.check(len(right) == lessons >= 8, f"each of {lessons} lessons has its answer", right)
    wrong = [ANSWERS[(ANSWERS.index(a) + 1) % 3] for a in right]
    half = [a if i % 2 else w for i, (a, w) in enumerate(zip(right, wrong))]
    tours = [("over a pipe", piped)]
    if shutil.which("tmux"):
        tours.append(("on a terminal, answers typed", typed))
    else:
        skip("the tour on a terminal", "there is no tmux here")
    for how, tour in tours:
        check(report, how, tour, vfiosim, right, (lessons, lessons))
        check(report, how, tour, vfiosim, half, (lessons // 2, lessons))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
