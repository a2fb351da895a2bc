"""As much of S3 as an object store asks of it, on loopback: objects held in memory, one bucket or many."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape


class Bucket:
    """What was stored, by path with its bucket. While `is_refusing`, every call is answered with 403."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.is_refusing = False
        self.address = ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Serve on a free port of loopback."""
        bucket = self

        class Handler(_Handler):
            stored = bucket

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stored: Bucket

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay quiet."""

    def do_PUT(self) -> None:
        self.stored.objects[self._path()] = self._body()
        self._answer(200)

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._answer(200, self._listing(query).encode())
        elif (data := self.stored.objects.get(self._path())) is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self._answer(200, data)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        bucket = self._path()
        keys = [element.text for element in ElementTree.fromstring(self._body()).iter() if element.tag.endswith("Key")]
        for key in keys:
            self.stored.objects.pop(f"{bucket}/{key}", None)
        deleted = "".join(f"<Deleted><Key>{escape(str(key))}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def _path(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _listing(self, query: dict[str, list[str]]) -> str:
        bucket, prefix = self._path(), query.get("prefix", [""])[0]
        delimiter = query.get("delimiter", [""])[0]
        keys = [path.removeprefix(f"{bucket}/") for path in sorted(self.stored.objects)]
        keys = [key for key in keys if key.startswith(prefix)]
        folders: set[str] = set()
        if delimiter:
            folders = {
                prefix + key[len(prefix) :].split(delimiter)[0] + delimiter
                for key in keys
                if delimiter in key[len(prefix) :]
            }
            keys = [key for key in keys if delimiter not in key[len(prefix) :]]
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.stored.objects[f'{bucket}/{key}'])}</Size>"
            "<LastModified>2026-11-21T10:00:00.000Z</LastModified><ETag>x</ETag></Contents>"
            for key in keys
        )
        common = "".join(
            f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in sorted(folders)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}{common}</ListBucketResult>"

    def _answer(self, status: int, body: bytes = b"") -> None:
        if self.stored.is_refusing or "Authorization" not in self.headers:
            status, body = 403, b"<Error><Code>AccessDenied</Code></Error>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{md5(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("Last-Modified", formatdate(usegmt=True))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
