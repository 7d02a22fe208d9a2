#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The systemd units, users and folders hold together, and the walls are as high as promised.

usage: test_units.py BUILD-FOLDER

Builds a root folder of the units under test and the system's own, and asks systemd
itself.  Prints each unit's exposure (systemd-analyze security); none may exceed
1.5.  A missing systemd is a skip, with its reason.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HIGHEST = 1.5
ROLES = ["database", "poll", "map", "build", "submit", "sign", "seal", "console"]
NETWORK = {"poll", "submit", "console"}


def say(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def make_root(root, built):
    system = os.path.join(root, "usr/lib/systemd/system")
    source = "/lib/systemd/system"
    shutil.copytree(source, system, symlinks=True)
    ours = {}
    for role in ROLES:
        name = f"mhsflow-{role}.service"
        with open(os.path.join(built, "systemd", name), encoding="utf-8") as file:
            ours[name] = file.read()
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../systemd/mhsflow.target")
    with open(target, encoding="utf-8") as file:
        ours["mhsflow.target"] = file.read()
    programs = {"/bin/kill"}
    for name, text in ours.items():
        with open(os.path.join(system, name), "w", encoding="utf-8") as file:
            file.write(text)
        programs |= set(re.findall(r"^ExecStart=(\S+)", text, re.M))
    for program in programs:
        path = root + program
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy("/bin/true", path)
    return system, ours


class Results:
    def __init__(self):
        self.count, self.failed = 0, 0

    def check(self, good, name, detail=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good:
            print("".join(f"# {line}\n" for line in detail.splitlines()), end="")


def check_units(results, root, system, ours):
    files = [os.path.join(system, name) for name in sorted(ours)]
    code, text = say("systemd-analyze", "verify", "--man=no", f"--root={root}", *files)
    # Hints about the system's own units are not ours.
    lines = [line for line in text.splitlines() if "mhsflow" in line]
    results.check(code == 0 and not lines, "systemd-analyze verify is clean", text)
    for role in ROLES:
        code, text = say("systemd-analyze", "security", "--offline=yes", f"--root={root}", "--no-pager",
                         f"mhsflow-{role}.service")
        match = re.search(r"exposure level for \S+: ([\d.]+)", text)
        level = float(match.group(1)) if match else 99.0
        print(f"# mhsflow-{role}.service: exposure {level}")
        results.check(level <= HIGHEST, f"mhsflow-{role} is at {HIGHEST} or lower", text)
    for role in ROLES:
        unit = ours[f"mhsflow-{role}.service"]
        closed = "PrivateNetwork=yes" in unit and re.search(r"^RestrictAddressFamilies=AF_UNIX$", unit, re.M)
        results.check(bool(closed) != (role in NETWORK), f"mhsflow-{role} has {'a' if role in NETWORK else 'no'} network")
        wanted = ["Type=notify", "WatchdogSec=", "Restart=always", "StartLimitIntervalSec=0", f"User=mhsflow-{role}"]
        missing = [line for line in wanted if line not in unit]
        results.check(not missing and "@" not in re.sub(r"@(system-service|privileged|resources)", "", unit),
                      f"mhsflow-{role} is watched, restarted and has a user of its own", str(missing))


def check_users_and_folders(results, root, built):
    for folder in ("etc", "run", "var/lib", "usr/lib/sysusers.d", "usr/lib/tmpfiles.d"):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", os.path.join(root, "etc", name))
        path = os.path.join(root, "etc", name)
        with open(path, encoding="utf-8") as file:
            kept = [line for line in file if not line.startswith("mhsflow")]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(kept)
    users = os.path.join(built, "systemd/mhsflow.sysusers.conf")
    if os.getuid() == 0:
        code, text = say("systemd-sysusers", f"--root={root}", users)
        with open(os.path.join(root, "etc/passwd"), encoding="utf-8") as file:
            names = set(re.findall(r"^(mhsflow[a-z-]*):", file.read(), re.M))
        wanted = {"mhsflow"} | {f"mhsflow-{role}" for role in ROLES}
        results.check(code == 0 and names == wanted, "systemd-sysusers makes a user for each role", text)
        code, text = say("systemd-tmpfiles", f"--root={root}", "--create",
                         os.path.join(built, "systemd/mhsflow.tmpfiles.conf"))
        modes = {name: os.stat(os.path.join(root, "var/lib/mhsflow", name)).st_mode & 0o7777
                 for name in ("postgres", "seal", "sign", "spool", "run/console", "run/database", "run/sign")
                 if os.path.isdir(os.path.join(root, "var/lib/mhsflow", name))}
        results.check(modes == {"postgres": 0o700, "seal": 0o755, "sign": 0o700, "spool": 0o2770, "run/console": 0o2750,
                                "run/database": 0o2750, "run/sign": 0o2750}, "systemd-tmpfiles makes the folders", f"{text}{modes}")
    else:
        print("# users and folders are made by root only: not looked at")


def check_catalog(results, root, built):
    folder = os.path.join(root, "usr/lib/systemd/catalog")
    os.makedirs(folder, exist_ok=True)
    os.makedirs(os.path.join(root, "var/lib/systemd/catalog"), exist_ok=True)
    shutil.copy(os.path.join(built, "systemd/mhsflow.catalog"), folder)
    code, text = say("journalctl", f"--root={root}", "--update-catalog")
    listed = say("journalctl", f"--root={root}", "--list-catalog")[1]
    results.check(code == 0 and "mhsflow: role failed" in listed, "the journal's catalog is read", text + listed)


def main():
    if not shutil.which("systemd-analyze"):
        print("1..0 # SKIP systemd-analyze is not installed")
        return 77
    results = Results()
    with tempfile.TemporaryDirectory(prefix="mhsflow-units-") as root:
        system, ours = make_root(root, sys.argv[1])
        check_units(results, root, system, ours)
        check_users_and_folders(results, root, sys.argv[1])
        check_catalog(results, root, sys.argv[1])
    print(f"1..{results.count}")
    return 1 if results.failed else 0


sys.exit(main())
