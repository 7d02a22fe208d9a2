# SPDX-License-Identifier: Apache-2.0
"""Situations that no dice bring about in time: a web page for a feed, a receiver that lies or says nothing, a sender that
sleeps past its lease, a full disk."""
import datetime
import os
import signal
import subprocess

from whole_site import Site, deadline_loop

DISK = 400  # MiB of the state folder's own disk
SLEPT = 900  # seconds by which the other sender's clock is ahead: past every lease


def until(seconds, what, condition):
    for _ in deadline_loop(seconds, what):
        if condition():
            return


def settle(site, seconds=60):
    """As after the cause is gone and the next waits are over by the clock."""
    site.control("DELETE", "/fault")
    site.stop_daemon()
    site.ahead += 4 * 3600
    site.start_daemon()
    site.wait_settled(seconds)


def posts(site):
    return [one for one in site.control("GET", "/requests")["requests"]
            if one["target"] == "receiver" and one["method"] == "POST"]


def something_to_send(site, condition, what):
    """Not every change of the feed changes a month."""
    for turn, _ in enumerate(deadline_loop(90, what)):
        if condition():
            return
        if turn % 20 == 0:
            site.control("POST", "/reveal", {"count": 4})


def web_page_for_a_feed(site):
    before = site.mhsflow("feed", "show", "sandbox")[0]
    site.control("POST", "/fault", {"target": "feed", "action": "garbage"})
    site.control("POST", "/reveal", {"count": 3})
    until(30, "the feed is late", lambda: site.mhsflow("feed", "show", "sandbox")[0]["failures"] >= 1)
    after = site.mhsflow("feed", "show", "sandbox")[0]
    same = ("sequence", "records", "epoch", "changes")
    assert [before[key] for key in same] == [after[key] for key in same], (before, after)
    settle(site)
    site.check_delivery()


def receiver_lies(site):
    site.control("POST", "/fault", {"target": "receiver", "path": "POST /submissions", "action": "lie_accept", "times": 1})
    something_to_send(site, lambda: site.control("GET", "/state")["receiver"]["lies"], "the receiver lies")
    settle(site)
    lied = [one for one in site.mhsflow("queue", "list", "--all") if one["reference"] == "R-00000000"]
    assert len(lied) == 1, lied
    month = (lied[0]["provider"], lied[0]["period"])
    said = [one for one in site.control("GET", "/state")["receiver"]["submissions"]
            if (one["provider"], one["period"], one["revision"]) == (*month, lied[0]["revision"])]
    assert not said, "what was said to be taken in was sent again unasked"
    return 1


def black_hole(site):
    began = len(posts(site))
    site.control("POST", "/fault", {"target": "receiver", "action": "stall", "seconds": 600})
    sending = lambda: any(one["state"] in ("sending", "unsure") for one in site.queue())  # noqa: E731
    something_to_send(site, sending, "a document is on its way")
    assert site.mhsflow("status")[0]["roles"]["poll"], "a receiver that says nothing holds up the rest"
    site.kill_role("submit")  # a stop would wait 20 s for the other side's answer
    site.control("DELETE", "/fault")
    until(30, "the sandbox lets go", lambda: len(posts(site)) > began)
    settle(site)


def sleeps_past_its_lease(site):
    """One sender stands still with the answer unread; another finds the lease over, asks, and is told: accepted."""
    site.control("POST", "/fault", {"target": "receiver", "path": "POST /submissions", "action": "slow", "seconds": 300,
                                    "times": 1})
    on_its_way = lambda: [one["id"] for one in site.queue() if one["state"] == "sending" and one["attempts"]]  # noqa: E731
    something_to_send(site, on_its_way, "a document is on its way")
    number = on_its_way()[0]
    asleep = site.role_pids("submit")
    for pid in asleep:
        os.kill(pid, signal.SIGSTOP)
    other = None
    try:
        site.control("DELETE", "/fault")
        clock = {"MHSFLOW_CLOCK_OFFSET": str(int((site.ahead + SLEPT) * 1000000))}
        with open(site.log, "ab") as log:
            other = subprocess.Popen([site.path("bin/mhsflowd"), "--config", site.path("mhsflow.yaml"), "--role", "submit"],
                                     env=site._environment(clock), stderr=log, **site._as_user())
        until(90, "the other sender settles it", lambda: state_of(site, number) == "accepted")
        events = site.mhsflow("audit", "list", "--submission", number, "--newest", "0")
    finally:
        for pid in asleep:
            os.kill(pid, signal.SIGCONT)
        if other:
            other.terminate()
            other.wait(timeout=60)
    settle(site)
    assert site.mhsflow("audit", "list", "--submission", number, "--newest", "0") == events, \
        "who had lost the lease changed something"


def state_of(site, number):
    return next(one["state"] for one in site.mhsflow("queue", "list", "--all") if one["id"] == number)


def disk_full(site):
    filler = site.path("state/filler")
    mark = os.path.getsize(site.log)
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(b"\0" * (1 << 20)):
                pass
        except OSError:
            pass
    while True:  # the last pages too
        try:
            with open(filler, "ab", buffering=0) as file:
                file.write(b"\0" * 4096)
        except OSError:
            break
    site.control("POST", "/reveal", {"count": 40})

    def noticed():
        with open(site.log, encoding="utf-8", errors="replace") as log:
            log.seek(mark)
            return any(word in log.read() for word in ("No space left", "database_lost", "53100"))
    try:
        until(60, "somebody notices that the disk is full", noticed)
    finally:
        os.unlink(filler)
    settle(site, 90)


def own_disk(site):
    """The state folder on a small disk of its own; only root can have that."""
    if os.geteuid() != 0:
        return False
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=700", "tmpfs", site.path("state")],
                          capture_output=True, check=False)
    site._own()
    return done.returncode == 0


def check_all(tap, build):
    site = Site(build, people=30, seed=11, today=datetime.date.today().isoformat(), name="hardship")
    lies = []
    mounted = own_disk(site)
    steps = [("a web page for a feed moves nothing", lambda: web_page_for_a_feed(site)),
             ("a receiver that says nothing holds up nothing", lambda: black_hole(site)),
             ("a sender that slept past its lease changes nothing", lambda: sleeps_past_its_lease(site)),
             ("a receiver that lies is not sent to twice", lambda: lies.append(receiver_lies(site)))]
    if mounted:
        steps.insert(0, ("a full disk: everything arrives, once", lambda: disk_full(site)))
    try:
        if tap.check("a site for hardship settles", lambda: (site.start_sandbox("--tail", "400"), site.start_daemon(),
                                                             site.wait_settled(120))):
            for name, step in steps:
                tap.check(name, lambda do=step: (do(), site.verify_audit()))
            tap.check("the receiver has what the queue calls accepted, but for its lies", lambda: delivered(site, len(lies)))
        if not mounted:
            tap.skip("a full disk: everything arrives, once", "no disk of its own can be mounted here")
    finally:
        site.close()
        if mounted:
            subprocess.run(["umount", "-l", site.path("state")], check=False)
            site.close()


def delivered(site, lies):
    ours = sum(one["state"] == "accepted" for one in site.mhsflow("queue", "list", "--all"))
    theirs = site.control("GET", "/state")["receiver"]["accepted"]
    assert ours == theirs + lies, (ours, theirs, lies)
