#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A database restored from yesterday's backup: nothing accepted since is sent again unasked.

usage: test_restore.py BUILD-FOLDER
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from whole_site import Site, Tap, deadline_loop  # noqa: E402


class Restore:
    def __init__(self, site):
        self.site = site
        self.backup = site.path("state", "yesterday.dump")
        self.server = None

    def sent(self):
        """Uploads that the receiver saw so far."""
        return [one for one in self.site.control("GET", "/requests")["requests"]
                if one["target"] == "receiver" and one["method"] == "POST"]

    def states(self):
        return {one["id"]: one["state"] for one in self.site.queue()}

    def back_up(self):
        site = self.site
        site.control("POST", "/fault", {"target": "receiver", "path": "POST /submissions", "action": "status", "status": 503})
        site.control("POST", "/reveal", {"count": 15})
        for _ in deadline_loop(120, "something waits to go"):
            if site.ready(lambda: site.caught_up() and "ready" in self.states().values()):
                break
        self.at_backup = self.states()
        told = site.mhsflow("db", "backup", "--out", self.backup, "--as", "a careful operator")[0]
        assert len(told["sha256"]) == 64 and os.stat(self.backup).st_mode & 0o777 == 0o600, told
        assert not os.path.exists(self.backup + ".part")

    def live_on(self):
        site = self.site
        site.control("DELETE", "/fault")
        for state in ("ready", "unsure"):
            for one in self.states():
                if self.states()[one] == state:
                    site.run("mhsflow", "queue", "retry", one, "--as", "a careful operator", check=False)
        site.wait_settled()
        for _ in deadline_loop(120, "something is built after the backup"):
            site.control("POST", "/reveal", {"count": 20})
            site.wait_settled()
            if set(self.states()) > set(self.at_backup):
                break
        site.wait_settled()
        self.lost = self.states()
        assert set(self.lost) > set(self.at_backup), "nothing was built after the backup"

    def refused_while_at_work(self):
        done = self.site.run("mhsflow", "db", "restore", self.backup, "--as", "me", check=False)
        assert done.returncode == 3 and "at work" in done.stderr, done.stderr
        self.site.stop_daemon()
        self.start_database()

    def start_database(self):
        site = self.site
        self.server = subprocess.Popen([site.path("bin/mhsflowd"), "--config", site.path("mhsflow.yaml"), "--role", "database"],
                                       env=site._environment(), stdout=subprocess.DEVNULL, stderr=open(site.log, "ab"),
                                       **site._as_user())
        for _ in deadline_loop(60, "the database answers"):
            if site.run("mhsflow", "db", "check", check=False).returncode == 0:
                break

    def stop_database(self):
        if self.server:
            self.server.terminate()
            self.server.wait(timeout=60)
        self.server = None

    def a_broken_backup_changes_nothing(self):
        broken = self.backup + ".broken"
        with open(self.backup, "rb") as source, open(broken, "wb") as out:
            out.write(source.read()[:-2000])
        os.chmod(broken, 0o644)
        done = self.site.run("mhsflow", "db", "restore", broken, "--as", "me", check=False)
        assert done.returncode == 3, done.stdout + done.stderr
        assert self.states() == self.lost
        assert self.site.run("mhsflow", "db", "check").returncode == 0

    def restore(self):
        told = self.site.mhsflow("db", "restore", self.backup, "--as", "a careful operator")[0]
        waited = [one for one, state in self.at_backup.items() if state == "ready"]
        assert told["epoch"] == 1 and told["asked"] + told["held"] >= len(waited), (told, waited)
        now = self.states()
        assert set(now) == set(self.at_backup), "not what was backed up"
        assert all(now[one] in ("unsure", "held") for one in waited), now
        assert "ready" not in now.values() and "sending" not in now.values(), now
        assert self.site.run("mhsflow", "db", "check").returncode == 0
        self.stop_database()
        seal = self.site.path("state/seal")
        shutil.move(seal, seal + ".before")

    def nothing_goes_unasked(self):
        site, before = self.site, len(self.sent())
        site.start_daemon()
        for _ in deadline_loop(120, "what was unanswered has its answer, and all else waits for a person"):
            if site.ready(lambda: site.caught_up() and
                          not {"unsure", "waiting", "ready", "sending"} & set(self.states().values())):
                break
        assert len(self.sent()) == before, self.sent()[before:]
        now = {one["id"]: one for one in site.queue()}
        for one, state in self.at_backup.items():
            if state == "ready":
                assert now[one]["state"] in ("accepted", "superseded"), now[one]
        assert "accepted" in {now[one]["state"] for one, state in self.at_backup.items() if state == "ready"}
        fresh = [row for one, row in now.items() if one not in self.at_backup]
        assert fresh and all(row["state"] == "held" and row["revision"] > 1000 for row in fresh), fresh

    def a_person_lets_them_go(self):
        site, taken = self.site, self.site.control("GET", "/state")["receiver"]["accepted"]
        held = [row["id"] for row in site.queue() if row["state"] == "held"]
        for one in held:
            site.run("mhsflow", "queue", "release", one, "--as", "a careful operator", "--reason", "compared")
        site.wait_settled()
        state = site.control("GET", "/state")["receiver"]
        assert state["accepted"] == taken + len(held), (state["accepted"], taken, held)
        site.control("POST", "/reveal", {"count": 10})
        # A month that was let go once goes by itself; another one waits for its first word.
        free = {(row["provider"], row["period"]) for row in site.queue() if row["id"] in held}
        for _ in deadline_loop(120, "all is accepted again"):
            for row in site.queue():
                if row["state"] == "held":
                    assert (row["provider"], row["period"]) not in free, row
                    free.add((row["provider"], row["period"]))
                    site.run("mhsflow", "queue", "release", row["id"], "--as", "a careful operator", "--reason", "compared")
            if site.ready(site.settled):
                break

    def the_audit_tells(self):
        events = self.site.mhsflow("audit", "list")
        restored = [one for one in events if one["event"] == "database_restored"]
        assert len(restored) == 1, restored
        assert restored[0]["fields"]["actor"] == "a careful operator", restored
        self.site.verify_audit()


def main():
    site, tap = Site(sys.argv[1], people=30, seed=8, name="restore", provider_lines="    shrink_hold: 100\n"), Tap()
    restore = Restore(site)
    try:
        site.start_sandbox("--tail", "120")
        site.start_daemon()
        site.wait_settled()
        for name, step in (("a backup while all runs", restore.back_up), ("life goes on after it", restore.live_on),
                           ("no restore while a role is at work", restore.refused_while_at_work),
                           ("a broken backup changes nothing", restore.a_broken_backup_changes_nothing),
                           ("the backup takes the database's place", restore.restore),
                           ("nothing is sent again unasked", restore.nothing_goes_unasked),
                           ("a person lets the rest go", restore.a_person_lets_them_go),
                           ("the audit shows who did it, and is whole", restore.the_audit_tells)):
            if not tap.check(name, step):
                print("".join(f"# {line}\n" for line in site.tail().splitlines()), end="")
                break
    finally:
        restore.stop_database()
        site.close()
    return tap.end()


sys.exit(main())
