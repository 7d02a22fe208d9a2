# SPDX-License-Identifier: Apache-2.0
"""What may happen to a site, drawn from one seed: peers that misbehave, kills, people who meddle, clocks that jump.

The kinds and their order depend on the seed alone; what meets what depends on the
machine's timing as well, so a seed finds a fault again often, not always.
"""
import os
import random
import signal
import threading
import time

FEED = [
    {"action": "status", "status": 503, "retry_after": "1"}, {"action": "status", "status": 429, "retry_after": "1"},
    {"action": "status", "status": 500}, {"action": "status", "status": 401}, {"action": "stall", "seconds": 2},
    {"action": "reset"}, {"action": "close_after_body"}, {"action": "truncate", "after_bytes": 700},
    {"action": "truncate"}, {"action": "stall_answer", "seconds": 2}, {"action": "garbage"}, {"action": "lose_answer"},
    {"action": "drop_trailer"}, {"action": "wrong_count"}, {"action": "bad_gzip"},
]
RECEIVER = [
    {"action": "status", "status": 503, "retry_after": "1"}, {"action": "status", "status": 429, "retry_after": "1"},
    {"action": "status", "status": 500}, {"action": "status", "status": 403}, {"action": "stall", "seconds": 2},
    {"action": "reset"}, {"action": "reset", "after_bytes": 2000}, {"action": "close_after_body"},
    {"action": "lose_answer"}, {"action": "truncate", "after_bytes": 10}, {"action": "stall_answer", "seconds": 2},
    {"action": "garbage"}, {"action": "pending"}, {"action": "slow", "seconds": 2}, {"action": "refuse"},
    {"action": "lie_accept"},
]
ROLES = ("poll", "map", "build", "submit", "sign")


class Chaos:
    def __init__(self, site, seed, acts):
        self.site, self.acts = site, acts
        self.chance = random.Random(f"chaos {seed}")
        self.done = []
        self.posts = 0        # requests to send a document, over all lives of the sandbox
        self.furthest = site.ahead
        self.overheard = set()  # command lines and environments of our processes

    # ---- looking on ----

    def count_posts(self):
        """Counts what the sandbox's memory of requests holds; once before each end of it, with nobody sending."""
        seen = self.site.control("GET", "/requests")["requests"]
        return sum(one["method"] == "POST" for one in seen if one["target"] == "receiver")

    def overhear(self):
        for role in ("--role", "--config", "mhsflow.yaml"):
            for pid in self.site.role_pids(role):
                for name in ("cmdline", "environ"):
                    try:
                        with open(f"/proc/{pid}/{name}", "rb") as file:
                            self.overheard.add(file.read().replace(b"\0", b"\n").decode(errors="replace"))
                    except OSError:
                        pass  # it ended meanwhile

    # ---- acts ----

    def fault(self, target, rules):
        rule = dict(self.chance.choice(rules), target=target, percent=self.chance.choice((20, 50, 100)),
                    times=self.chance.randint(1, 6))
        if target == "receiver" and rule["action"] in ("refuse", "lie_accept", "slow", "pending"):
            rule["path"] = "POST /submissions"
        self.site.control("POST", "/fault", rule)
        return f"{target}:{rule['action']}{rule.get('status', '')}"

    def feed_fault(self):
        return self.fault("feed", FEED)

    def receiver_fault(self):
        return self.fault("receiver", RECEIVER)

    def kill(self):
        role = self.chance.choice(ROLES)
        return f"kill {role} x{self.site.kill_role(role)}"

    def kill_database(self):
        try:
            os.kill(self.site.postmaster(), signal.SIGKILL)
        except (AssertionError, ProcessLookupError, ValueError):
            return "database away already"
        return "kill database"

    def freeze(self):
        """A role, or the other side, stands still and goes on."""
        who = self.chance.choice(("sandbox",) + ROLES)
        pids = [self.site.sandbox.pid] if who == "sandbox" else self.site.role_pids(who)
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in pids:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            if number == signal.SIGSTOP:
                self.pause(1.5)
        return f"freeze {who}"

    def sandbox_again(self):
        """The other side dies and comes back; now and then from an old copy."""
        senders = self.site.role_pids("submit")
        for pid in senders:
            os.kill(pid, signal.SIGSTOP)
        self.pause(0.3)
        self.posts += self.count_posts()
        self.site.stop_sandbox(self.chance.choice((signal.SIGKILL, signal.SIGTERM)))
        for pid in senders:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.site.start_sandbox(*self.site.sandbox_options)
        if self.chance.random() < 0.5:
            return "sandbox again"
        lost = self.chance.choice((0, 1, 3, 40))
        self.site.control("POST", "/epoch", {"lose": lost})
        return f"sandbox again, another epoch, {lost} lost"

    def forget(self):
        self.site.control("POST", "/expire", {"count": self.chance.randint(1, 400)})
        return "feed forgets"

    def person(self):
        """Somebody holds, releases or hurries what is there, or believes a feed that has lost much."""
        verb = self.chance.choice(("hold", "release", "retry", "reconcile"))
        if verb == "reconcile":
            self.site.run("mhsflow", "feed", "reconcile", "sandbox", "--yes", "--as", "tester", check=False)
            return "person: reconcile"
        listed = self.site.run("mhsflow", "queue", "list", "--json", check=False).stdout.splitlines()
        if listed:
            number = str(self.chance.randint(1, len(listed) + 2))
            more = () if verb == "retry" else ("--reason", "made-up")
            self.site.run("mhsflow", "queue", verb, number, "--as", "tester", *more, check=False)
        return f"person: {verb}"

    def clock(self):
        """The clock jumps while the daemon restarts: minutes back, or up to a day ahead."""
        jump = self.chance.choice((-3600, -300, 120, 700, 7200, 86400))
        self.site.stop_daemon()
        self.site.ahead += jump
        self.furthest = max(self.furthest, self.site.ahead)
        self.site.start_daemon()
        return f"clock {jump:+d} s"

    # ---- all of it ----

    def pause(self, seconds):
        threading.Event().wait(seconds)

    def let_it_flow(self):
        """The rest meets a site that has sent something."""
        self.site.control("DELETE", "/fault")
        self.site.run("mhsflow", "feed", "poll", "sandbox", check=False)
        for _ in range(50):
            if self.site.control("GET", "/state")["receiver"]["submissions"]:
                return "let it flow"
            self.pause(0.2)
        return "let it flow: nothing came"

    def play(self):
        kinds = [(self.feed_fault, 5), (self.receiver_fault, 7), (self.kill, 5), (self.kill_database, 1),
                 (self.freeze, 2), (self.sandbox_again, 1), (self.forget, 1), (self.person, 3), (self.clock, 2)]
        flow = self.chance.randrange(self.acts)  # before it: a site that still fills
        for number in range(self.acts):
            if number == flow:
                self.done.append(self.let_it_flow())
            self.site.control("POST", "/reveal", {"count": self.chance.choice((1, 2, 5, 20))})
            act = self.chance.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
            self.done.append(act())
            self.overhear()
            self.pause(2 * self.chance.random())

    def calm(self):
        """Everything is shown, all faults are off, and every wait is over by the clock."""
        self.site.control("DELETE", "/fault")
        self.site.stop_daemon()
        self.site.control("POST", "/reveal", {})
        self.site.ahead = self.furthest + 7200
        self.site.start_daemon()

    def help_along(self):
        """What a person would do afterwards: decide what waits, let go what is held, ask what has stopped."""
        self.site.control("POST", "/settle", {"status": "accepted"})
        self.site.run("mhsflow", "feed", "poll", "sandbox", check=False)
        if any("stopped" in need for need in self.site.mhsflow("status")[0]["needs"]):
            self.site.daemon.send_signal(signal.SIGHUP)  # a route that was refused waits for a person's reload
        if any(one["state"] == "held" for one in self.site.queue()):
            self.site.run("mhsflow", "queue", "release", *[one["id"] for one in self.site.queue()
                                                           if one["state"] == "held"],
                          "--as", "tester", "--reason", "made-up", check=False)
        late = [one["id"] for one in self.site.queue() if one["state"] in ("ready", "waiting", "unsure")]
        for number in late:
            self.site.run("mhsflow", "queue", "retry", number, "--as", "tester", check=False)

    def settled(self):
        """As Site.settled(), where a month may also end with the receiver's own no."""
        if not self.site.caught_up():
            return False
        newest = self.site.newest()
        states = {one["state"] for one in newest.values()}
        on_its_way = {one["state"] for one in self.site.queue()} & {"sending", "unsure", "waiting", "ready", "held"}
        return bool(newest) and states <= {"accepted", "rejected"} and not on_its_way

    def wait(self, seconds):
        end, helped = time.monotonic() + seconds, 0.0
        while time.monotonic() < end:
            if self.site.daemon.poll() is not None:
                raise AssertionError("mhsflowd ended")
            if self.site.ready(self.settled):
                return
            if time.monotonic() - helped > 3:
                self.site.ready(self.help_along)
                helped = time.monotonic()
            self.pause(0.2)
        raise AssertionError(f"not settled within {seconds} s\nqueue {self.site.queue()}\n"
                             f"status {self.site.mhsflow('status')}\n{self.site.tail(25)}")
