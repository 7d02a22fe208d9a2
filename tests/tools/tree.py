# SPDX-License-Identifier: Apache-2.0
"""The files of the source tree, and how a check reports: shared by the checks in this folder.

A check prints one line per finding, "FILE:LINE: message", and ends with 1 when
there is one.  The tree is walked, not asked of git: a checkout without git, or
owned by somebody else, is checked too.
"""
import argparse
import os
import sys

SKIPPED = {".git", "__pycache__"}


def root_argument(description):
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", default=here, help="source tree to look at (default: this one)")
    return parser


def files(root, suffixes=None):
    """Paths relative to the root, sorted; build folders and hidden state left out."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("build"))
        for name in names:
            if suffixes is None or name.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def allowed(name):
    """Lines of an allow-list beside the checks: {entry: reason}."""
    entries = {}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    if os.path.exists(path):
        for line in open(path, encoding="utf-8"):
            text, _, reason = line.partition("#")
            if text.strip():
                entries[text.strip()] = reason.strip()
    return entries


def finish(check, findings, looked_at):
    for finding in findings:
        print(finding)
    print(f"{check}: {looked_at} looked at, {len(findings)} found")
    sys.exit(1 if findings else 0)
