# SPDX-License-Identifier: Apache-2.0
"""A small MESH: mailboxes, messages in chunks, tracking, inbox with pages, reports; and faults on demand.

It is strict where the real one is: tokens are checked and used once, chunk 1 makes the message, the encoding stays
the same, chunk ranges match the path, control characters are refused.  `faults` is a list of (what, how often):
"lose_first" takes a first chunk and drops the connection before the answer, "lose_last" does so with the last
chunk of a message of several, "drop_chunk" drops a later chunk unread, "busy" answers 503.
"""
import gzip
import hashlib
import hmac
import json
import re
import ssl
import subprocess
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = 2


class Mesh:
    def __init__(self, folder, passwords, key):
        self.passwords, self.key = passwords, key
        self.messages, self.order, self.used = {}, [], set()
        self.faults, self.log, self.refused = [], [], []
        self.lock = threading.RLock()
        certificate, private = f"{folder}/mesh.crt", f"{folder}/mesh.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", "/CN=mesh peer", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", private, "-out",
                        certificate], check=True, capture_output=True)
        peer = self

        class Handler(Answers):
            mesh = peer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, private)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.ca, self.port = certificate, self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def fault(self, what):
        with self.lock:
            for fault in self.faults:
                if fault[0] == what and fault[1] > 0:
                    fault[1] -= 1
                    return True
        return False

    def put(self, to, local_id, workflow, body=b"", kind="DATA", linked="", code="00"):
        """A message into a mailbox, as the other side or MESH itself would send it."""
        with self.lock:
            number = uuid.uuid4().hex.upper()
            self.messages[number] = {"id": number, "from": "", "to": to, "local": local_id, "workflow": workflow, "chunks": {1: body},
                                     "of": 1, "status": "accepted", "kind": kind, "linked": linked, "code": code, "headers": {}}
            self.order.append(number)
            return number

    def inbox(self, mailbox):
        with self.lock:
            return [n for n in self.order if self.messages[n]["to"] == mailbox and self.messages[n]["status"] == "accepted"]

    def whole(self, number):
        message = self.messages[number]
        return b"".join(message["chunks"][i] for i in range(1, message["of"] + 1))


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mesh = None

    def log_message(self, *_):
        pass

    def say(self, status, body=b"", headers=None):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, code, words, event="SEND"):
        self.mesh.refused.append((status, code or words))
        self.say(status, {"detail": [{"event": event, "code": code, "msg": words}]})

    def vanish(self):
        self.close_connection = True
        self.connection.close()

    def authorised(self, mailbox):
        match = re.fullmatch(r"NHSMESH ([^:]*):([^:]*):([0-9]+):([0-9]{12}):([0-9a-f]{64})", self.headers.get("Authorization") or "")
        if not match:
            return self.refuse(403, "", "Error reading from Authorization header")
        who, nonce, count, stamp, given = match.groups()
        if who != mailbox:
            return self.refuse(403, "", "Mailbox id does not match token")
        text = f"{who}:{nonce}:{count}:{self.mesh.passwords.get(who, '')}:{stamp}"
        right = hmac.new(self.mesh.key.encode(), text.encode(), hashlib.sha256).hexdigest()
        with self.mesh.lock:
            again = (nonce, count) in self.mesh.used
            self.mesh.used.add((nonce, count))
        now = time.strftime("%Y%m%d%H%M", time.gmtime())
        if right != given or again or abs(int(stamp[:8]) - int(now[:8])) > 1:
            return self.refuse(403, "", "Invalid Authentication Token")
        return True

    def handle_all(self):
        url = urllib.parse.urlsplit(self.path)
        parts = url.path.split("/")[2:]
        size = int(self.headers.get("Content-Length") or 0)
        if not url.path.startswith("/messageexchange/") or not parts:
            return self.say(404, b"<html>no such page</html>")
        self.mesh.log.append((self.command, "/".join(parts[1:])))
        if self.command == "POST" and len(parts) == 4 and self.mesh.fault("drop_chunk"):
            return self.vanish()
        body = self.rfile.read(size)
        if any(re.search(r"[\x00-\x1f]|https?://", value) for name, value in self.headers.items() if name.lower().startswith("mex-")):
            return self.refuse(400, "06", "MalformedControlFile", "TRANSFER")
        if self.mesh.fault("busy"):
            return self.say(503, b"<soap/>", {"Retry-After": "1"})
        if not self.authorised(parts[0]):
            return None
        if self.command == "POST" and len(parts) == 1:
            missing = [h for h in ("mex-clientversion", "mex-osname", "mex-osversion") if not self.headers.get(h)]
            return self.say(400, {"detail": [{"loc": ["header", missing[0]], "msg": "field required"}]}) if missing else self.say(200)
        if parts[1] == "outbox" and self.command == "POST":
            return self.take(parts[0], parts[2:], body)
        if parts[1:3] == ["outbox", "tracking"]:
            return self.track(parts[0], parts[3:], urllib.parse.parse_qs(url.query))
        if parts[1] == "inbox":
            return self.inbox(parts[0], parts[2:], urllib.parse.parse_qs(url.query))
        return self.say(404, {"detail": [{"event": "", "code": "", "msg": "Not Found"}]})

    do_GET = do_POST = do_PUT = handle_all

    def take(self, mailbox, parts, body):
        mesh, first = self.mesh, not parts
        number, of = map(int, (self.headers.get("mex-chunk-range") or "1:1").split(":"))
        encoding = self.headers.get("Content-Encoding") or ""
        if not body:
            return self.refuse(417, "02", "Data file is missing or inaccessible.", "COLLECT")
        if encoding not in ("", "gzip"):
            return self.refuse(422, "UnsupportedContentEncoding", "unsupported")
        if first and self.headers.get("mex-to") not in mesh.passwords:
            return self.refuse(417, "12", "Unregistered to address")
        if number != (1 if first else int(parts[1])):
            return self.refuse(417, "InvalidHeaderChunks", "chunk range")
        data = gzip.decompress(body) if encoding else body
        with mesh.lock:
            if first:
                ident = mesh.put(self.headers["mex-to"], self.headers.get("mex-localid"), self.headers["mex-workflowid"], data)
                message = mesh.messages[ident]
                message.update({"from": mailbox, "of": of, "encoding": encoding, "status": "uploading",
                                "headers": {n.lower(): v for n, v in self.headers.items()}})
            else:
                ident, message = parts[0], mesh.messages.get(parts[0])
                if not message or message["from"] != mailbox:
                    return self.refuse(403, "", "Forbidden")
                if message["status"] != "uploading":
                    return self.say(423, {"message": "already complete"})
                if message["encoding"] != encoding:
                    return self.refuse(417, "", "cannot change content encoding")
                if message["of"] != of:
                    return self.refuse(417, "InvalidHeaderChunks", "chunk range")
                message["chunks"][number] = data
            if number == of:
                message["status"] = "accepted"
        if (first and mesh.fault("lose_first")) or (not first and number == of and mesh.fault("lose_last")):
            return self.vanish()
        return self.say(202, {"message_id": ident} if first else b"null", {"Content-Type": "application/json"})

    def track(self, mailbox, parts, query):
        mesh = self.mesh
        with mesh.lock:
            own = [m for m in mesh.messages.values() if m["from"] == mailbox]
        if parts:
            found = [m for m in own if m["local"] == parts[0]]
            if len(found) > 1:
                return self.refuse(300, "", "Multiple Choices")
            if found:
                return self.say(200, {"messageId": found[0]["id"], "localId": parts[0], "status": found[0]["status"].capitalize(),
                                      "statusSuccess": "SUCCESS"})
        else:
            found = [m for m in own if m["id"] == query.get("messageID", [""])[0]]
            if found:
                return self.say(200, {"message_id": found[0]["id"], "local_id": found[0]["local"], "status": found[0]["status"],
                                      "status_success": True})
        return self.say(404, {"detail": [{"event": "RECEIVE", "code": "20", "msg": "Message does not exist"}]})

    def inbox(self, mailbox, parts, query):
        mesh, waiting = self.mesh, self.mesh.inbox(mailbox)
        if not parts:
            start = int(query.get("continue_from", ["0"])[0])
            links = {"self": f"/messageexchange/{mailbox}/inbox"}
            if start + PAGE < len(waiting):
                links["next"] = f"/messageexchange/{mailbox}/inbox?continue_from={start + PAGE}"
            return self.say(200, {"messages": waiting[start:start + PAGE], "links": links, "approx_inbox_count": len(waiting)})
        message = mesh.messages.get(parts[0])
        if not message or message["to"] != mailbox:
            return self.refuse(403, "", "Forbidden")
        if self.command == "PUT":
            message["status"] = "acknowledged"
            return self.say(200)
        headers = {"mex-messagetype": message["kind"], "mex-localid": message["local"] or "", "mex-workflowid": message["workflow"],
                   "mex-linkedmsgid": message["linked"], "mex-statuscode": message["code"], "last-modified": "Sun, 22 Nov 2026 07:21:46 UTC",
                   "mex-chunk-range": "1:0" if message["kind"] == "REPORT" else "1:1"}
        return self.say(200, message["chunks"][1], headers)
