#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""conf/quickstart as a person types it: whole, a second time, kept, cleaned; and what it must not touch.

usage: test_quickstart.py SOURCE-FOLDER
"""
import os
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = sys.argv[1]


def processes(folder):
    """Whatever runs from below this folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            program = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            continue
        if program.startswith(folder + "/"):
            found.append((int(pid), program))
    return found


class Quickstart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        top = tempfile.TemporaryDirectory(prefix="mhsflow-quickstart-")
        cls.addClassCleanup(top.cleanup)
        os.chmod(top.name, 0o755)
        cls.top, cls.state, cls.build = top.name, f"{top.name}/state", f"{top.name}/build"
        cls.addClassCleanup(cls.run_it, "--clean")

    @classmethod
    def run_it(cls, *more, state=None):
        began = time.monotonic()
        done = subprocess.run([f"{SOURCE}/conf/quickstart", "--state", state or cls.state, "--build", cls.build,
                               "--people", "60", *more], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=900, check=False, cwd="/")
        done.seconds = time.monotonic() - began
        return done

    def check_whole(self, done):
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        for words in ("== queue", "== findings", "== audit", "intact", "== done: 6 submissions accepted, 6 at the receiver"):
            self.assertIn(words, done.stdout)

    def test_1_the_first_time(self):
        done = self.run_it()
        self.check_whole(done)
        print(f"# first run: {done.seconds:.1f} s", flush=True)
        self.assertLess(done.seconds, 300)
        self.assertEqual(processes(self.state), [])

    def test_2_the_second_time_and_kept(self):
        done = self.run_it("--keep")
        self.check_whole(done)
        print(f"# second run: {done.seconds:.1f} s", flush=True)
        self.assertLess(done.seconds, 60)
        names = {os.path.basename(program) for _, program in processes(self.state)}
        self.assertEqual(names, {"mhsflowd", "mhsflow-sandbox"})

    def test_3_while_it_runs_and_on_another_day(self):
        done = self.run_it("--today", "2027-04-02")
        self.check_whole(done)
        self.assertIn("2027-03", done.stdout)
        self.assertEqual(processes(self.state), [])

    def test_4_cleaned(self):
        self.run_it("--keep")
        done = self.run_it("--clean")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(processes(self.state), [])
        self.assertFalse(os.path.exists(self.state))
        self.assertEqual(self.run_it("--clean").returncode, 0)

    def test_5_what_it_did_not_make_stays(self):
        folder = f"{self.top}/other"
        os.mkdir(folder)
        with open(f"{folder}/mine", "w", encoding="utf-8") as file:
            file.write("mine")
        for more in ((), ("--clean",)):
            done = self.run_it(*more, state=folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn("was not made by quickstart", done.stderr)
            self.assertEqual(os.listdir(folder), ["mine"])

    def test_6_wrong_usage(self):
        for words in (["--nonsense"], ["--people"]):
            done = subprocess.run([f"{SOURCE}/conf/quickstart", *words], capture_output=True, text=True, timeout=60,
                                  check=False)
            self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"], warnings="ignore")
