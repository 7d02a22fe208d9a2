#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`meson install` puts everything in place, and nothing elsewhere.

usage: test_install.py BUILD-FOLDER PREFIX
"""
import os
import subprocess
import sys
import tempfile
import unittest

BUILD, PREFIX = sys.argv[1:3]
ROLES = ["database", "poll", "map", "build", "submit", "sign", "seal", "console"]
MANUAL = ["share/man/man1/mhsflow.1", "share/man/man8/mhsflowd.8", "share/man/man5/mhsflow.yaml.5",
          "share/man/man5/mhsflow-mapping.5"]
WANTED = ["bin/mhsflow", "sbin/mhsflowd", "lib/systemd/system/mhsflow.target", "lib/sysusers.d/mhsflow.conf",
          "lib/tmpfiles.d/mhsflow.conf", "lib/systemd/catalog/mhsflow.catalog", "share/mhsflow/mhsflow.yaml",
          "share/mhsflow/calendar.csv", "share/mhsflow/mappings/mhsds-6.0/dataset.yaml",
          "share/mhsflow/mappings/mhsds-6.0/rules.csv", "share/mhsflow/mappings/mhsds-6.0/mhsds-6.0.xsd",
          "share/mhsflow/mappings/mhsds-6.0/standard/mapping.yaml", "share/doc/mhsflow/README.md",
          "share/doc/mhsflow/SECURITY.md", *MANUAL, "share/bash-completion/completions/mhsflow", "share/doc/mhsflow/LICENSE",
          "share/doc/mhsflow/examples/systemd/remote-database.conf",
          "share/doc/mhsflow/examples/one-lead-provider.yaml"] + \
         [f"lib/systemd/system/mhsflow-{role}.service" for role in ROLES]


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.TemporaryDirectory(prefix="mhsflow-install-")
        done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", cls.root.name],
                              capture_output=True, text=True, timeout=120, check=False)
        cls.done = done

    @classmethod
    def tearDownClass(cls):
        cls.root.cleanup()

    def test_everything_is_in_place(self):
        self.assertEqual(self.done.returncode, 0, self.done.stdout + self.done.stderr)
        missing = [path for path in WANTED if not os.path.exists(self.root.name + os.path.join(PREFIX, path))]
        self.assertEqual(missing, [])

    def test_nothing_lies_elsewhere(self):
        for folder, _, names in os.walk(self.root.name):
            for name in names:
                path = os.path.join(folder, name)[len(self.root.name):]
                self.assertTrue(path.startswith(PREFIX + "/"), path)
                self.assertNotIn("sandbox", path)

    def test_programs_start_from_there(self):
        for name in ("bin/mhsflow", "sbin/mhsflowd"):
            done = subprocess.run([self.root.name + os.path.join(PREFIX, name), "--version"], capture_output=True,
                                  text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_manual_pages_are_clean(self):
        for page in MANUAL:
            done = subprocess.run(["groff", "-K", "utf8", "-T", "utf8", "-man", "-ww", "-z",
                                   self.root.name + os.path.join(PREFIX, page)], capture_output=True, text=True,
                                  timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)

    def test_the_shell_completes_nouns_verbs_and_options(self):
        script = self.root.name + os.path.join(PREFIX, "share/bash-completion/completions/mhsflow")
        for words, wanted in (("mhsflow sta", "status"), ("mhsflow queue rele", "release"),
                              ("mhsflow submission export --form", "--format"), ("mhsflow feed poll --js", "--json")):
            typed = f"source {script}; COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}; _mhsflow; " \
                    "echo ${COMPREPLY[@]}"
            done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.stdout.strip(), done.stderr), (wanted, ""))

    def test_no_folder_of_the_builder_is_inside(self):
        """As packaged: without debug information."""
        for name in ("bin/mhsflow", "sbin/mhsflowd"):
            bare = os.path.join(self.root.name, "bare")
            subprocess.run(["strip", "-o", bare, self.root.name + os.path.join(PREFIX, name)], check=True, timeout=60)
            with open(bare, "rb") as file:
                inside = BUILD.encode() in file.read()
            os.unlink(bare)
            self.assertFalse(inside, f"{name} names {BUILD}")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
