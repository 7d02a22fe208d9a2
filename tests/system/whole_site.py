# SPDX-License-Identifier: Apache-2.0
"""A whole site in one folder: sandbox feed and receiver, embedded PostgreSQL, mhsflowd, all as a black box.

Site(build_folder) lays everything out below a private temporary folder, runs the
programs as an unprivileged user when the test runs as root (PostgreSQL refuses
root), and takes all of it away again, not without a look for values of people
where none may be (canaries.py).  Nothing here knows the daemon's inside:
what it learns it learns from `mhsflow … --json`, the sandbox's control port and
the receiver's own journal.
"""
import datetime
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from canaries import Canaries

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
OPEN_STATES = {"ready", "sending", "unsure", "waiting", "held", "rejected"}


def deadline_loop(seconds, what):
    """Yields until the time is up, then fails saying what was waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        threading.Event().wait(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


class Site:
    def __init__(self, build, people=40, seed=1, today=None, provider_lines="", name="site"):
        self.build = os.path.realpath(build)
        self.today = today
        self.people, self.seed = people, seed
        self.folder = tempfile.mkdtemp(prefix=f"mhsflow-{name}-", dir="/tmp")
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.sandbox = self.daemon = None
        self.environment = {}
        self.ahead = 0  # seconds by which this site's clock is ahead of the machine's
        if today:
            noon = datetime.datetime.fromisoformat(f"{today}T10:00:00+00:00")
            self.ahead = noon.timestamp() - time.time()
        self.log = os.path.join(self.folder, "daemon.log")
        self.canaries = Canaries(self)
        self._copy_programs()
        for sub in ("state", "sandbox", "keys", "tmp"):
            os.mkdir(os.path.join(self.folder, sub), 0o700)
        self._own()
        self.run("mhsflow-sandbox", "make-sender-key", "--out", self.path("keys"))
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path("keys/seal.key")], check=True,
                       **self._as_user())
        self.provider_lines = provider_lines

    # ---- laying out ----

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def _copy_programs(self):
        """The build may lie where the unprivileged user cannot look."""
        os.makedirs(self.path("bin"))
        for program, where in (("mhsflowd", "daemon"), ("mhsflow", "daemon/commands"),
                               ("mhsflow-sandbox", "tests/sandbox")):
            shutil.copy(os.path.join(self.build, where, program), self.path("bin", program))
        shutil.copytree(os.path.join(SOURCE, "mappings"), self.path("mappings"))
        shutil.copy(os.path.join(SOURCE, "conf", "calendar.csv"), self.path("calendar.csv"))
        os.chmod(self.folder, 0o755)

    def _own(self):
        if self.user:
            for at, folders, files in os.walk(self.folder):
                for name in [at] + [os.path.join(at, n) for n in folders + files]:
                    os.chown(name, self.user.pw_uid, self.user.pw_gid)

    def _as_user(self):
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def _environment(self, extra=None):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MHSFLOW", "PG", "NOTIFY"))}
        kept.update(HOME=self.folder, TMPDIR=self.path("tmp"), MHSFLOW_CONFIG=self.path("mhsflow.yaml"), **self.environment)
        if self.ahead:
            kept["MHSFLOW_CLOCK_OFFSET"] = str(int(self.ahead * 1000000))
        kept.update(extra or {})
        return kept

    def write_settings(self, ports, lines=""):
        with open(self.path("mhsflow.yaml"), "w", encoding="utf-8") as out:
            out.write(f"""state: {self.path('state')}
database: embedded
dataset: {self.path('mappings/mhsds-6.0')}
mapping: {self.path('mappings/mhsds-6.0/standard/mapping.yaml')}
calendar: {self.path('calendar.csv')}
build_wait: 1s
seal_key: {self.path('keys/seal.key')}
{lines}
feeds:
  - name: sandbox
    adapter: mef
    id_prefix: s
    poll_interval: 1s
    url: https://127.0.0.1:{ports['feed']}/export/v1
    token: {self.path('sandbox/feed.token')}
    ca: {self.path('sandbox/ca.pem')}
routes:
  - name: hub
    adapter: https
    url: https://127.0.0.1:{ports['receiver']}/msr/v1
    ca: {self.path('sandbox/ca.pem')}
signing:
  certificate: {self.path('keys/signing.crt')}
  key: {self.path('keys/signing.key')}
providers:
""")
            for code, teams in (("V9X01", "{O-L1: T-L1-A, O-P1: T-P1-A}"), ("V9X02", "{O-L2: T-L2-A}")):
                out.write(f"""  - code: {code}
    route: hub
    commissioner: V9C01
    default_team: {teams}
{self.provider_lines}""")

    # ---- running ----

    def run(self, program, *arguments, check=True, extra=None, timeout=120):
        done = subprocess.run([self.path("bin", program), *map(str, arguments)], capture_output=True, text=True,
                              timeout=timeout, env=self._environment(extra), check=False, **self._as_user())
        self.canaries.said.append((arguments, done.stderr))
        if check and done.returncode not in (0, 1):
            raise AssertionError(f"{program} {' '.join(map(str, arguments))}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def mhsflow(self, *arguments, **options):
        """One object, or a list of them, from a command's --json."""
        done = self.run("mhsflow", *arguments, "--json", **options)
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    def start_sandbox(self, *more):
        command = [self.path("bin/mhsflow-sandbox"), "serve", "--state", self.path("sandbox"),
                   "--people", str(self.people), "--seed", str(self.seed), "--feed-port", str(self.ports()["feed"]),
                   "--receiver-port", str(self.ports()["receiver"]), "--control-port", str(self.ports()["control"]),
                   "--sender-certificate", self.path("keys/signing.crt"),
                   "--xsd", self.path("mappings/mhsds-6.0/mhsds-6.0.xsd"), *more]
        if self.today:
            command += ["--today", self.today]
        ready = self.path("sandbox/ports.json")
        before = os.stat(ready).st_mtime_ns if os.path.exists(ready) else 0
        self.sandbox = subprocess.Popen(command, env=self._environment(), stdout=subprocess.DEVNULL,
                                        stderr=open(self.path("sandbox.log"), "ab"), **self._as_user())
        for _ in deadline_loop(60, "the sandbox listens"):
            if self.sandbox.poll() is not None:
                raise AssertionError("the sandbox ended: " + open(self.path("sandbox.log")).read()[-2000:])
            if os.path.exists(ready) and os.stat(ready).st_mtime_ns != before:
                break
        self.write_settings(self.ports())
        self._own()

    def ports(self):
        """Once bound, the ports stay over a restart of the sandbox."""
        try:
            with open(self.path("sandbox/ports.json"), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return {"feed": 0, "receiver": 0, "control": 0}

    def stop_sandbox(self, number=signal.SIGTERM):
        self.sandbox.send_signal(number)
        self.sandbox.wait(timeout=30)
        self.sandbox = None

    def start_daemon(self, extra=None):
        self.daemon = subprocess.Popen([self.path("bin/mhsflowd"), "--config", self.path("mhsflow.yaml")],
                                       env=self._environment(extra), stdout=subprocess.DEVNULL,
                                       stderr=open(self.log, "ab"), start_new_session=True, **self._as_user())
        self.canaries.start()

    def stop_daemon(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(timeout=90)
            self.daemon = None

    def role_pids(self, role):
        """Processes of this site's daemon that run one role."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if self.path("mhsflow.yaml").encode() in words and role.encode() in words:
                found.append(int(pid))
        return found

    def postmaster(self):
        """Process of the embedded PostgreSQL, wherever in the state folder it lives."""
        for at, _, files in os.walk(self.path("state")):
            if "postmaster.pid" in files:
                with open(os.path.join(at, "postmaster.pid"), encoding="utf-8") as file:
                    return int(file.readline())
        raise AssertionError("no PostgreSQL runs here")

    def kill_role(self, role):
        pids = self.role_pids(role)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)

    def control(self, method, path, body=None):
        url = f"http://127.0.0.1:{self.ports()['control']}{path}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            text = answer.read().decode()
            return json.loads(text) if text.strip() else None

    # ---- looking ----

    def queue(self):
        return self.mhsflow("queue", "list")

    def newest(self):
        """The newest revision of each provider and month."""
        newest = {}
        for one in self.queue():
            key = (one["provider"], one["period"])
            if key not in newest or newest[key]["revision"] < one["revision"]:
                newest[key] = one
        return newest

    def caught_up(self):
        """All that the feed shows is in, mapped, and in a month's newest revision."""
        shown = self.control("GET", "/state")["feed"]["head_seq"]
        if any(feed["sequence"] < shown or not feed["complete"] for feed in self.mhsflow("feed", "list")):
            return False
        status = self.mhsflow("status")[0]
        return not status["people_waiting"] and not any(month["to_build"] for month in status["months"])

    def settled(self):
        """Caught up, and everything is accepted."""
        return self.caught_up() and self.mhsflow("status")[0]["settled"]

    def wait_settled(self, seconds=120):
        why = None
        try:
            for _ in deadline_loop(seconds, "every due month of every provider is accepted"):
                if self.daemon and self.daemon.poll() is not None:
                    raise AssertionError("mhsflowd ended")
                try:
                    if self.settled():
                        return
                except (AssertionError, json.JSONDecodeError, KeyError, IndexError, OSError) as error:
                    why = error
        except AssertionError as error:
            raise AssertionError(f"{error}; last: {why}\n{self.tail()}") from None

    def tail(self, lines=40):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    def ready(self, condition):
        """Is it so?  While the site is still starting the answer is no."""
        try:
            return condition()
        except (AssertionError, json.JSONDecodeError, KeyError, IndexError, OSError):
            return False

    def verify_audit(self):
        done = self.run("mhsflow", "audit", "verify")
        assert done.returncode == 0, done.stdout + done.stderr

    def check_delivery(self):
        """The receiver's own count equals the queue's, and nothing was taken twice."""
        accepted = [one for one in self.queue() if one["state"] == "accepted"]
        state = self.control("GET", "/state")["receiver"]
        assert state["accepted"] == len(accepted), (state, accepted)

    def close(self, keep=False):
        """Stops all of it and takes it away; fails when a made-up person was seen where none may be."""
        self.canaries.ask_audit()
        for stop in (self.stop_daemon, lambda: self.sandbox and self.stop_sandbox()):
            try:
                stop()
            except (OSError, subprocess.TimeoutExpired) as error:
                print(f"# stopping: {error}", file=sys.stderr)
        for pid in self.role_pids("--role"):
            os.kill(pid, signal.SIGKILL)
        try:
            self.canaries.look()
        finally:
            if keep or os.environ.get("KEEP_SITE"):
                print(f"# kept: {self.folder}", file=sys.stderr)
            else:
                shutil.rmtree(self.folder, ignore_errors=True)


class Tap:
    """Test Anything Protocol, one line per check, for meson."""

    def __init__(self):
        self.number = self.failed = 0

    def check(self, name, step):
        self.number += 1
        started = time.monotonic()
        try:
            step()
            print(f"ok {self.number} - {name} # {time.monotonic() - started:.1f} s", flush=True)
            return True
        except Exception as error:  # a failed step is a failed test, whatever it was
            self.failed += 1
            print(f"not ok {self.number} - {name}", flush=True)
            for line in f"{type(error).__name__}: {error}".splitlines():
                print(f"# {line}", flush=True)
            return False

    def skip(self, name, why):
        self.number += 1
        print(f"ok {self.number} - {name} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.number}", flush=True)
        return 1 if self.failed else 0
