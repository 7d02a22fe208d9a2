#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is written down agrees with the program: sample, reference, examples, help.

usage: test_documents.py MHSFLOW SOURCE-FOLDER
"""
import json
import os
import re
import subprocess
import sys
import unittest

MHSFLOW, SOURCE = sys.argv[1:3]


def run(*words, **environment):
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environment}
    return subprocess.run([MHSFLOW, *words], capture_output=True, text=True, timeout=60, check=False, env=env,
                          stdin=subprocess.DEVNULL)


def source(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


class Documents(unittest.TestCase):
    def test_sample_is_current(self):
        self.assertEqual(run("check", "--sample").stdout, source("conf/mhsflow.yaml"),
                         "run: mhsflow check --sample > conf/mhsflow.yaml")

    def test_reference_is_current(self):
        marker = "Made by `mhsflow check --reference`.\n"
        written = source("conf/README.md")
        self.assertIn(marker, written)
        self.assertEqual(run("check", "--reference").stdout, written.split(marker, 1)[1])

    def test_rights_are_current(self):
        self.assertEqual(run("db", "rights").stdout, source("daemon/store/RIGHTS.md"),
                         "run: mhsflow db rights > daemon/store/RIGHTS.md")

    def test_metrics_are_current(self):
        self.assertEqual(run("console", "metrics", "--reference").stdout,
                         source("conf/metrics.md").split("`conf/make-documents`.\n\n", 1)[1],
                         "run: conf/make-documents MHSFLOW")

    def test_alerts_name_metrics_that_are_there(self):
        names = set(re.findall(r"\bmhsflow_\w+", source("conf/alerts.yaml")))
        known = set(re.findall(r"^\| `(mhsflow_\w+)`", source("conf/metrics.md"), re.M))
        self.assertGreater(len(names), 8)
        self.assertEqual(names - known, set())

    def test_examples_and_sample_are_settings(self):
        folder = os.path.join(SOURCE, "conf/examples")
        paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
        for path in paths + [os.path.join(SOURCE, "conf/mhsflow.yaml")]:
            first = json.loads(run("check", "--json", "--config", path).stdout.splitlines()[0])
            self.assertEqual((first["what"], first["result"]), ("settings", "ok"), f"{path}: {first['detail']}")

    def test_every_command_explains_itself(self):
        names = re.findall(r"^### (mhsflow .*)$", run("check", "--commands").stdout, re.M)
        self.assertGreater(len(names), 8)
        for name in names:
            words = [word for word in name.split()[1:] if not re.search(r"[A-Z\[]", word)]
            done = run(*words, "--help")
            self.assertEqual(done.returncode, 0, name)
            for option in ("--json", "--config", "--help"):
                self.assertIn(option, done.stdout, name)

    def test_readme_names_commands_that_are_there(self):
        text = source("README.md")
        for line in re.findall(r"^    mhsflow ((?:[a-z]+ )+)", text, re.M):
            words = line.split()
            self.assertEqual(run(*words, "--help").returncode, 0, line)

    def test_files_that_documents_name_are_there(self):
        missing = []
        for folder, _, files in os.walk(SOURCE):
            for name in files:
                if not name.endswith(".md") or "/build" in folder[len(SOURCE):] or "/.git" in folder:
                    continue
                path = os.path.relpath(os.path.join(folder, name), SOURCE)
                named = re.findall(r"`((?:daemon|adapters|mappings|conf|systemd|tests)/[\w./-]+)`", source(path))
                missing += [f"{path}: {file}" for file in named if not os.path.exists(os.path.join(SOURCE, file))]
        self.assertEqual(missing, [])

    def test_every_option_is_read_somewhere(self):
        names = re.findall(r"^OPTION\([A-Z]+, (\w+),", source("daemon/config/options.def"), re.M)
        self.assertGreater(len(names), 20)
        code = ""
        for top in ("daemon", "adapters"):
            for folder, _, files in os.walk(os.path.join(SOURCE, top)):
                for name in files:
                    if name.endswith(".c") and name not in ("sample.c", "tables.c"):
                        code += source(os.path.join(folder, name))
        self.assertEqual([name for name in names if f'"{name}"' not in code], [])

    def test_usage_errors_end_with_2(self):
        for words in (["nonsense"], ["queue"], ["queue", "show"], ["queue", "show", "x"], ["queue", "list", "--nothing"]):
            done = run(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr.startswith("mhsflow: "), done.stderr)
            self.assertEqual(done.stdout, "")

    def test_without_settings_it_could_not(self):
        done = run("status", MHSFLOW_CONFIG="/nonexistent/mhsflow.yaml")
        self.assertEqual(done.returncode, 3)
        self.assertIn("/nonexistent/mhsflow.yaml", done.stderr)

    def test_output_that_went_nowhere_is_not_done(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([MHSFLOW, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                                  check=False)
        self.assertEqual(done.returncode, 3)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
