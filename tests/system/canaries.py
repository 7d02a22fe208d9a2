# SPDX-License-Identifier: Apache-2.0
"""Made-up people's values, looked for wherever they must never be.

Every Site looks when it closes: in each log, in the audit, in what commands said on stderr, in
temporary files, in the names of files, and in the argument lists and environments of the daemon's
processes, which a thread reads while they run.  Only the database, the spool, and what a person
asked for on the terminal may have them.
"""
import json
import os
import re
import subprocess
import threading

WORD = re.compile(r"[A-Za-z0-9-]+(?: [0-9][A-Z]{2})?")
NOBODY = {"organisation", "area", "team", "worker", "network"}
LOOK_EVERY = 1.0
MOST_PEOPLE = 5000  # more are a bench's, whose time is not for looking


def values_of(changes):
    """What must not be seen: ids of records about people, NHS numbers, birth dates, postcodes."""
    found = set()
    for change in changes:
        if change.get("type") in NOBODY:
            continue
        record = change.get("record") or {}
        found.add(str(change.get("id", "")))
        found.update(str(record[key]) for key in ("nhs_number", "birth_date", "postcode") if record.get(key))
    return {value for value in found if len(value) >= 6}


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def descendants(root):
    """Process ids of `root` and of all that it started."""
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        match = re.match(r"\d+ \(.*\) \S (\d+)", read(f"/proc/{pid}/stat"), re.S)
        if match:
            parents[int(pid)] = int(match[1])
    family = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        if not more:
            return family
        family |= more


class Canaries:
    def __init__(self, site):
        self.site = site
        self.overheard = set()  # argument lists and environments
        self.said = []          # (arguments, stderr) of commands
        self.audit = ""
        self.known = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.listen, daemon=True)

    def start(self):
        if not self.thread.ident:
            self.thread.start()

    def listen(self):
        while not self.ended.wait(LOOK_EVERY):
            daemon = self.site.daemon
            if daemon:
                self.overhear(daemon.pid)

    def overhear(self, root):
        for pid in descendants(root):
            for name in ("cmdline", "environ"):
                self.overheard.add(read(f"/proc/{pid}/{name}").replace("\0", "\n"))

    def ask_audit(self):
        """While the database still answers; where it does not, what was heard before stands."""
        try:
            self.audit = self.site.run("mhsflow", "audit", "export", check=False).stdout or self.audit
        except (OSError, subprocess.TimeoutExpired):
            pass

    def secrets(self):
        if self.known:
            return self.known
        today = ["--today", self.site.today] if self.site.today else []
        done = self.site.run("mhsflow-sandbox", "generate", "--people", self.site.people, "--seed", self.site.seed, *today,
                             "--format", "ndjson")
        self.known = values_of(map(json.loads, done.stdout.splitlines()))
        return self.known

    def places(self):
        heard = {"an argument list or environment": "\n".join(self.overheard), "the audit": self.audit}
        names, temporary = [], self.site.path("tmp")
        for at, folders, files in os.walk(self.site.folder):
            if at.startswith((self.site.path("state"), temporary)):
                names += folders + files
            for name in files:
                if name.endswith(".log") or at.startswith(temporary):
                    heard[os.path.join(at, name)] = read(os.path.join(at, name))
        heard["file names"] = "\n".join(names)
        return heard

    def look(self):
        self.ended.set()
        if self.thread.ident:
            self.thread.join()
        if self.site.people > MOST_PEOPLE:
            return
        secrets = self.secrets()
        assert len(secrets) > self.site.people, "too few values to look for"
        found = {where: secrets & {word[skip:] for word in WORD.findall(text) for skip in (0, 1)}
                 for where, text in self.places().items()}
        for arguments, text in self.said:
            asked = " ".join(map(str, arguments))
            found["stderr of " + str(arguments[0])] = {one for one in secrets & set(WORD.findall(text)) if one not in asked}
        bad = {where: len(values) for where, values in found.items() if values}
        assert not bad, f"made-up people's values where none may be: {bad}"
