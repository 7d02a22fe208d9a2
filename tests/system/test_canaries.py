#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The look for people's values finds one in each place where it looks: seen to fail, once each.

usage: test_canaries.py BUILD-FOLDER

No daemon runs: values of the made-up caseload are put where they must not be, by hand.
"""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
from whole_site import Site, Tap  # noqa: E402


def must_find(site, place):
    try:
        site.canaries.look()
    except AssertionError as found:
        assert place in str(found), (place, found)
        return
    raise AssertionError(f"not found in {place}")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def in_file(site, value, path, place):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write(path, f"something about {value}, and more\n")
    must_find(site, place)
    os.remove(path)


def in_name(site, value):
    path = site.path("state", f"{value}.xml")
    write(path, "")
    must_find(site, "file names")
    os.remove(path)


def in_process(site, value, command, environment):
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
    site.canaries.overhear(process.pid)
    process.communicate()
    must_find(site, "an argument list or environment")
    site.canaries.overheard.clear()


def in_words(site, value):
    site.canaries.said = [(("finding", "list"), f"cannot read person {value}\n")]
    must_find(site, "stderr of finding")
    site.canaries.said = [(("trace", value), f"nothing is known of {value}\n")]  # who asks may be answered
    site.canaries.look()
    site.canaries.said.clear()


def in_audit(site, value):
    site.canaries.audit = f'{{"event":"x","fields":{{"code":"{value}"}}}}\n'
    must_find(site, "the audit")
    site.canaries.audit = ""


def main():
    site, tap = Site(sys.argv[1], people=20, name="canaries"), Tap()
    try:
        value = sorted(site.canaries.secrets())[0]
        quiet = {"PATH": os.environ["PATH"]}
        tap.check("nothing is found where nothing is", site.canaries.look)
        for place in ("daemon.log", "walls/poll.log", "state/postgres/server.log", "tmp/left-over"):
            tap.check(f"found in {place}", lambda where=place: in_file(site, value, site.path(where), os.path.basename(where)))
        tap.check("found in a file's name", lambda: in_name(site, value))
        tap.check("found in an argument list", lambda: in_process(site, value, ["sh", "-c", "read LINE", value], quiet))
        tap.check("found in an environment", lambda: in_process(site, value, ["sh", "-c", "read LINE"], {**quiet, "WHO": value}))
        tap.check("found in an error's text", lambda: in_words(site, value))
        tap.check("found in the audit", lambda: in_audit(site, value))
        tap.check("found with a feed's prefix", lambda: in_file(site, "s" + value, site.path("daemon.log"), "daemon.log"))
    finally:
        site.close()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
