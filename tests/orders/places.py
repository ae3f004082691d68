"""Places that platform files are pulled from: a web server and an SFTP server, each in threads of this process."""

import base64
import hashlib
import os
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import paramiko


class Site:
    """answers: path -> (status, headers, body); asked: (path, headers) of each request, as it came."""

    def __init__(self):
        self.answers, self.asked = {}, []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append((self.path, dict(self.headers)))
                status, headers, body = site.answers.get(self.path, (404, {}, b""))
                etag = headers.get("ETag")
                if etag and self.headers.get("If-None-Match") == etag:
                    status, headers, body = 304, {}, b""
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def site():
    """A Site that serves until the end."""
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()


class _Login(paramiko.ServerInterface):
    def check_auth_password(self, username, password):
        right = (username, password) == ("neiqin", "a right one")
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username):
        return "password"


class _Handle(paramiko.SFTPHandle):
    def stat(self):
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server, *args, root, **more):
        super().__init__(server, *args, **more)
        self.root = root

    def _real(self, path):
        return str(self.root) + self.canonicalize(path)

    def _try(self, do):
        try:
            return do()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    def list_folder(self, path):
        def do():
            found = []
            for entry in os.scandir(self._real(path)):
                attributes = paramiko.SFTPAttributes.from_stat(entry.stat())
                attributes.filename = entry.name
                found.append(attributes)
            return found

        return self._try(do)

    def stat(self, path):
        return self._try(lambda: paramiko.SFTPAttributes.from_stat(os.stat(self._real(path))))

    lstat = stat

    def open(self, path, flags, attr):
        def do():
            handle = _Handle(flags)
            handle.readfile = open(self._real(path), "rb")  # noqa: SIM115 - the handle closes it
            return handle

        return self._try(do)

    def mkdir(self, path, attr):
        return self._try(lambda: os.mkdir(self._real(path)) or paramiko.SFTP_OK)

    def rename(self, oldpath, newpath):
        return self._try(lambda: os.rename(self._real(oldpath), self._real(newpath)) or paramiko.SFTP_OK)


class SftpSite:
    """root: what it shows; port; fingerprint of its key."""

    def __init__(self, root):
        self.root = root
        self.key = paramiko.ECDSAKey.generate()
        self.fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(self.key.asbytes()).digest()).decode().rstrip(
            "="
        )
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.transports = []

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                transport = paramiko.Transport(connection)
                self.transports.append(transport)
                transport.add_server_key(self.key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, sftp_si=_Files, root=self.root)
                transport.start_server(server=_Login())
            except (paramiko.SSHException, EOFError, OSError):
                connection.close()  # the other side went away, maybe before we looked: its own affair


@contextmanager
def sftp_site(root):
    """An SftpSite that serves until the end."""
    made = SftpSite(root)
    thread = threading.Thread(target=made.serve)
    thread.start()
    try:
        yield made
    finally:
        made.listener.shutdown(socket.SHUT_RDWR)
        made.listener.close()
        thread.join()
        for transport in made.transports:
            transport.close()
            transport.join(5)
