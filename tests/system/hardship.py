# SPDX-License-Identifier: Apache-2.0
"""Situations that no dice bring about in time: a sender that sleeps past its lease, a web page for a feed, a full disk."""


def check_all(tap, build):
    pass
