#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The roles as the systemd units run them: a user each, the shipped folders, groups and umasks; without systemd.

usage: test_walls.py BUILD-FOLDER SOURCE-FOLDER

The flow must work with just what systemd/mhsflow.tmpfiles, mhsflow.sysusers and the
units give each role, and each role must be kept from what is another's, in the database
too.  Users and groups have names in a mount namespace of this test's own, so nothing is
added to the machine; only root can do that.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from whole_site import Site, deadline_loop  # noqa: E402

BUILD, SOURCE = sys.argv[1:3]
ROLES = ["database", "sign", "poll", "map", "build", "submit", "seal"]
FIRST_NUMBER = 61200


def source(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def source_lines(path):
    with open(path, encoding="utf-8") as file:
        return file.readlines()


class Users:
    """The users, groups and memberships of systemd/mhsflow.sysusers, as numbers."""

    def __init__(self):
        text = source("systemd/mhsflow.sysusers")
        names = dict.fromkeys(re.findall(r"^[ug] (\S+)", text, re.M))
        self.number = {name: FIRST_NUMBER + place for place, name in enumerate(names)}
        self.number["root"] = 0
        self.groups = {name: [self.number[name]] for name in names}
        for member, group in re.findall(r"^m (\S+) (\S+)", text, re.M):
            self.groups[member].append(self.number[group])

    def make_names(self):
        """In our own /etc/passwd and /etc/group, which nobody else sees."""
        for kind, rest in (("passwd", "{0}:{0}::/:/usr/sbin/nologin"), ("group", "{0}:")):
            kept = [line for line in source_lines(f"/etc/{kind}") if not line.startswith("mhsflow")]
            ours = [f"{name}:x:{rest.format(number)}\n" for name, number in self.number.items() if name != "root"]
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="mhsflow-walls-") as file:
                file.writelines(kept + ours)
                file.flush()
                os.chmod(file.name, 0o644)
                subprocess.run(["mount", "--bind", file.name, f"/etc/{kind}"], check=True)

    def as_role(self, role):
        name = f"mhsflow-{role}"
        return {"user": self.number[name], "group": self.groups[name][0], "extra_groups": self.groups[name]}


class Walls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.users = Users()
        cls.users.make_names()
        cls.site = Site(BUILD, people=30, seed=5, name="walls")
        cls.addClassCleanup(cls.site.close)
        cls.site.start_sandbox()
        cls.top = cls.site.path("walls")
        cls.state = f"{cls.top}/state"
        cls.roles = {}
        cls.addClassCleanup(cls.stop_roles)
        cls.make_folders()
        cls.write_settings()
        for role in ROLES:
            cls.start_role(role)
        for _ in deadline_loop(120, "every due month is accepted"):
            if cls.settled():
                break

    @classmethod
    def make_folders(cls):
        os.makedirs(cls.top, mode=0o755)
        for path, mode, user, group in re.findall(r"^d @statedir@(\S*)\s+(\d+)\s+(\S+)\s+(\S+)",
                                                  source("systemd/mhsflow.tmpfiles"), re.M):
            os.mkdir(cls.state + path)
            os.chown(cls.state + path, cls.users.number[user], cls.users.groups.get(group, [0])[0])
            os.chmod(cls.state + path, int(mode, 8))
        # What LoadCredential= gives a role: copies that only it can read.
        for role, name, origin in (("poll", "poll_token", "sandbox/feed.token"), ("sign", "sign_key", "keys/signing.key"),
                                   ("seal", "seal_key", "keys/seal.key")):
            folder = f"{cls.top}/credentials-{role}"
            os.mkdir(folder)
            shutil.copy(cls.site.path(origin), f"{folder}/{name}")
            for path, mode in ((f"{folder}/{name}", 0o400), (folder, 0o500)):
                os.chown(path, cls.users.as_role(role)["user"], 0)
                os.chmod(path, mode)
        for name, origin in (("signing.crt", "keys/signing.crt"), ("ca.pem", "sandbox/ca.pem")):
            shutil.copy(cls.site.path(origin), f"{cls.top}/{name}")
            os.chmod(f"{cls.top}/{name}", 0o644)

    @classmethod
    def write_settings(cls):
        cls.settings = f"{cls.top}/mhsflow.yaml"
        text = open(cls.site.path("mhsflow.yaml"), encoding="utf-8").read()
        for old, new in ((r"^state: .*$", f"state: {cls.state}"), (r"token: .*$", "token: credential:poll_token"),
                         (r"^seal_key: .*$", "seal_key: credential:seal_key\noperators: [boss]"),
                         (r"ca: .*$", f"ca: {cls.top}/ca.pem"), (r"certificate: .*$", f"certificate: {cls.top}/signing.crt"),
                         (r"^  key: .*$", "  key: credential:sign_key\n"
                          f"  allowed_users: [{cls.users.number['mhsflow-submit']}]")):
            text = re.sub(old, new, text, flags=re.M)
        with open(cls.settings, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(cls.settings, 0o644)

    @classmethod
    def start_role(cls, role):
        unit = open(os.path.join(BUILD, f"systemd/mhsflow-{role}.service"), encoding="utf-8").read()
        umask = int(re.search(r"^UMask=(\d+)", unit, re.M).group(1), 8)
        with open(f"{cls.top}/{role}.log", "ab") as log:
            cls.roles[role] = subprocess.Popen(
                [cls.site.path("bin/mhsflowd"), "--config", cls.settings, "--role", role],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", umask=umask,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "CREDENTIALS_DIRECTORY": f"{cls.top}/credentials-{role}"},
                **cls.users.as_role(role))

    @classmethod
    def stop_roles(cls):
        for role in reversed(ROLES):
            if role in cls.roles:
                cls.roles[role].send_signal(signal.SIGTERM)
                cls.roles[role].wait(60)

    @classmethod
    def mhsflow(cls, role, *words):
        return subprocess.run([cls.site.path("bin/mhsflow"), "--config", cls.settings, *words], capture_output=True,
                              text=True, timeout=60, check=False, cwd="/", stdin=subprocess.DEVNULL,
                              **(cls.users.as_role(role) if role else {}))

    @classmethod
    def settled(cls):
        for role, process in cls.roles.items():
            if process.poll() is not None:
                log = open(f"{cls.top}/{role}.log", encoding="utf-8").read()
                raise AssertionError(f"role {role} ended with {process.returncode}: {log[-2000:]}")
        done = cls.mhsflow(None, "status", "--json")
        return done.returncode in (0, 1) and json.loads(done.stdout)["settled"]

    def reaches(self, role, *command):
        return subprocess.run(command, capture_output=True, check=False, timeout=60, cwd="/",
                              **self.users.as_role(role)).returncode == 0

    def test_all_is_accepted(self):
        rows = [json.loads(line) for line in self.mhsflow(None, "queue", "list", "--json").stdout.splitlines()]
        self.assertEqual({row["state"] for row in rows}, {"accepted"})
        self.assertGreater(len(rows), 3)

    def test_nobody_else_reads_the_key(self):
        for role in set(ROLES) - {"sign"}:
            self.assertFalse(self.reaches(role, "cat", f"{self.top}/credentials-sign/sign_key"), role)
        for role in set(ROLES) - {"poll"}:
            self.assertFalse(self.reaches(role, "cat", f"{self.top}/credentials-poll/poll_token"), role)

    def test_documents_are_for_build_and_submit(self):
        spool = f"{self.state}/spool"
        document = os.path.join(spool, sorted(os.listdir(spool))[0])
        for role in ROLES:
            self.assertEqual(self.reaches(role, "cat", document), role in ("build", "submit"), role)

    def test_the_signer_has_no_database(self):
        done = self.mhsflow("sign", "queue", "list")
        self.assertEqual(done.returncode, 3)

    def as_user(self, user):
        if user == "root":
            return {}
        groups = self.users.groups[user]
        return {"user": self.users.number[user], "group": groups[0], "extra_groups": groups}

    def log_in(self, user, login):
        """The database's answer to a user of the machine who wants to be one of its own."""
        done = subprocess.run(["psql", "-XqAt", "-h", f"{self.state}/run/database", "-U", login, "-d", "mhsflow", "-c",
                               "select current_user"], capture_output=True, text=True, check=False, timeout=60, cwd="/",
                              **self.as_user(user))
        self.assertTrue(done.returncode == 0 or "authentication failed" in done.stderr
                        or "ermission denied" in done.stderr, done.stderr)
        return done.returncode == 0

    def test_each_role_logs_in_as_itself_only(self):
        roles = ["poll", "map", "build", "submit", "seal"]
        logins = ["mhsflow", "mhsflow_operate", "mhsflow_read"] + [f"mhsflow_{role}" for role in roles]
        for role in roles + ["sign"]:
            allowed = {login for login in logins if self.log_in(f"mhsflow-{role}", login)}
            self.assertEqual(allowed, {f"mhsflow_{role}"} - {"mhsflow_sign"}, role)

    def test_people_look_and_operators_act(self):
        self.users.number.update(reader=FIRST_NUMBER + 90, boss=FIRST_NUMBER + 91)
        for name in ("reader", "boss"):
            self.users.groups[name] = [self.users.number[name], self.users.number["mhsflow"]]
        with open("/etc/passwd", "a", encoding="utf-8") as file:  # our own
            for name in ("reader", "boss"):
                file.write(f"{name}:x:{self.users.number[name]}:{self.users.number[name]}::/:/usr/sbin/nologin\n")
        people = ("mhsflow_operate", "mhsflow_read", "mhsflow", "mhsflow_poll")
        self.assertEqual([login for login in people if self.log_in("reader", login)], ["mhsflow_read"])
        self.assertEqual([login for login in people if self.log_in("boss", login)], ["mhsflow_operate", "mhsflow_read"])
        self.assertEqual([login for login in people if self.log_in("root", login)], list(people))
        for name, code in (("reader", 3), ("boss", 0)):
            done = subprocess.run([self.site.path("bin/mhsflow"), "--config", self.settings, "feed", "pause", "sandbox",
                                   "--as", name], capture_output=True, text=True, timeout=60, check=False, cwd="/",
                                  **self.as_user(name))
            self.assertEqual(done.returncode, code, done.stderr)

    def test_rights_are_as_listed(self):
        done = self.mhsflow(None, "db", "check", "--json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(json.loads(done.stdout)["rights"], "as listed")

    def test_the_database_folder_is_its_own(self):
        for role in ROLES:
            self.assertEqual(self.reaches(role, "ls", f"{self.state}/postgres/data"), role == "database", role)

    def test_the_signed_list_is_the_signers(self):
        for role in ROLES:
            self.assertEqual(self.reaches(role, "cat", f"{self.state}/sign/signed.log"), role == "sign", role)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("1..0 # SKIP only root can run each role as a user of its own")
        sys.exit(77)
    if "--inside" not in sys.argv:
        if subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
            print("1..0 # SKIP this machine gives no mount namespace, which the users' names need")
            sys.exit(77)
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv, "--inside"])
    unittest.main(argv=[sys.argv[0], "-v"], warnings="ignore")
