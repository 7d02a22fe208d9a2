# SPDX-License-Identifier: Apache-2.0
"""A whole site as a black box: the sandbox on one side, mhsflowd with all its roles on the other.

    with Flow(build, source, people=60) as flow:
        flow.start()
        flow.wait_settled()

Everything lies in one temporary folder and runs as one user without rights
(PostgreSQL refuses root).  Waiting is for the daemon's own words, with a deadline:
each line of its log is a reason to look again.
"""
import json
import os
import pwd
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

SETTINGS = """\
state: {folder}/state
database: embedded
dataset: {source}/mappings/mhsds-6.0
mapping: {source}/mappings/mhsds-6.0/standard/mapping.yaml
calendar: {source}/conf/calendar.csv
build_wait: {build_wait}
signing: {{certificate: keys/signing.crt, key: keys/signing.key}}
feeds:
  - name: sandbox
    adapter: mef
    url: https://127.0.0.1:{feed}/export/v1
    ca: sandbox/ca.pem
    token: sandbox/feed.token
    id_prefix: s
    poll_interval: 1s
routes:
  - {{name: sandbox, adapter: https, url: "https://127.0.0.1:{receiver}/msr/v1", ca: sandbox/ca.pem}}
providers:
  - {{code: V9X01, route: sandbox, commissioner: V9C01, release: {release}, default_team: {{O-L1: T-L1-A, O-P1: T-P1-A}}}}
  - {{code: V9X02, route: sandbox, commissioner: V9C01, release: {release}, default_team: {{O-L2: T-L2-A}}}}
"""


def unprivileged():
    """What subprocess needs to run as somebody without rights; nothing when we are."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("no user without rights on this machine")


class Flow:
    def __init__(self, build, source, people=60, seed=1, today=None, build_wait="1s", release="automatic"):
        self.build, self.source = build, source
        self.people, self.seed, self.today = people, seed, today
        self.build_wait, self.release = build_wait, release
        self.who = unprivileged()
        self.folder = tempfile.mkdtemp(prefix="mhsflow-system-", dir="/tmp")
        if self.who:
            os.chown(self.folder, self.who["user"], self.who["group"])
        self.settings = os.path.join(self.folder, "mhsflow.yaml")
        self.ports, self.daemon, self.sandbox = {}, None, None
        self.words, self.lines, self.readers = [], queue.Queue(), []
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MHSFLOW_CONFIG": self.settings,
                            "HOME": self.folder}
        if today:
            self.environment["MHSFLOW_CLOCK"] = f"{today}T10:00:00Z"

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print("".join(f"# {line}" for line in self.words[-60:]), flush=True)
        self.stop()
        if not os.environ.get("MHSFLOW_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- the two sides ----

    def program(self, name):
        places = {"mhsflow": "daemon/commands/mhsflow", "mhsflowd": "daemon/mhsflowd",
                  "mhsflow-sandbox": "tests/sandbox/mhsflow-sandbox"}
        return os.path.join(self.build, places[name])

    def run(self, *command, **options):
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=self.folder,
                              env=self.environment, stdin=subprocess.DEVNULL, **self.who, **options)

    def start_sandbox(self):
        if not os.path.exists(f"{self.folder}/keys"):
            made = self.run(self.program("mhsflow-sandbox"), "make-sender-key", "--out", f"{self.folder}/keys")
            assert made.returncode == 0, made.stderr
        command = [self.program("mhsflow-sandbox"), "serve", "--state", f"{self.folder}/sandbox",
                   "--people", str(self.people), "--seed", str(self.seed),
                   "--sender-certificate", f"{self.folder}/keys/signing.crt",
                   "--xsd", f"{self.source}/mappings/mhsds-6.0/mhsds-6.0.xsd",
                   "--feed-port", str(self.ports.get("feed", 0)),
                   "--receiver-port", str(self.ports.get("receiver", 0)),
                   "--control-port", str(self.ports.get("control", 0))]
        if self.today:
            command += ["--today", self.today]
        with open(f"{self.folder}/sandbox.log", "a", encoding="utf-8") as log:
            self.sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder,
                                            env=self.environment, stdin=subprocess.DEVNULL, **self.who)
        ready = self.sandbox.stdout.readline()
        assert ready.startswith("READY"), f"the sandbox did not start: {ready!r}"
        with open(f"{self.folder}/sandbox/ports.json", encoding="utf-8") as file:
            self.ports = json.load(file)

    def write_settings(self, **changes):
        values = {"folder": self.folder, "source": self.source, "build_wait": self.build_wait,
                  "release": self.release, **self.ports, **changes}
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(SETTINGS.format(**values))
        os.chmod(self.settings, 0o644)

    def start_daemon(self, **environment):
        self.daemon = subprocess.Popen([self.program("mhsflowd")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                       text=True, cwd=self.folder, env={**self.environment, **environment},
                                       stdin=subprocess.DEVNULL, **self.who)
        reader = threading.Thread(target=self.listen, args=(self.daemon.stderr,), daemon=True)
        reader.start()
        self.readers.append(reader)

    def listen(self, stream):
        for line in stream:
            self.words.append(line)
            self.lines.put(line)
        self.lines.put(None)

    def start(self):
        self.start_sandbox()
        self.write_settings()
        self.start_daemon()

    @staticmethod
    def end(process, deadline=40):
        if process and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(deadline)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return False
        return True

    def stop_daemon(self):
        ended = self.end(self.daemon)
        for reader in self.readers:
            reader.join(10)
        return ended

    def stop(self):
        self.stop_daemon()
        self.end(self.sandbox)
        if self.sandbox and self.sandbox.stdout:
            self.sandbox.stdout.close()

    # ---- talking to both ----

    def mhsflow(self, *words):
        return self.run(self.program("mhsflow"), *words)

    def rows(self, *words):
        done = self.mhsflow(*words, "--json")
        assert done.returncode in (0, 1), f"{words}: {done.returncode} {done.stderr}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    def status(self):
        done = self.mhsflow("status", "--json")
        return json.loads(done.stdout) if done.returncode in (0, 1) else None

    def control(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports['control']}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
        return json.loads(text) if text.strip() else None

    def wait(self, what, true, seconds=120):
        """Until true() says so: asked again at each line the daemon says, and every two seconds."""
        end = time.monotonic() + seconds
        while True:
            answer = true()
            if answer:
                return answer
            assert time.monotonic() < end, f"{what}: not within {seconds} s; status {self.status()}"
            assert self.daemon is None or self.daemon.poll() is None, f"mhsflowd ended with {self.daemon.poll()}"
            try:
                self.lines.get(timeout=2)
                while not self.lines.empty():
                    self.lines.get_nowait()
            except queue.Empty:
                pass

    def settled(self):
        status = self.status()
        return status and status["settled"]

    def wait_settled(self, seconds=120):
        self.wait("every due month accepted", self.settled, seconds)

    def accepted_documents(self):
        folder = f"{self.folder}/sandbox/accepted"
        return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".xml"))
