#!/usr/bin/env bash
# Guess:     A comment that a server sends to keep a stream of events open gives the reader no event, wherever it stands; nor
#            does a block with nothing but `id:` or `retry:`.
# Package:   httpx-sse 0.4.3 with httpx 0.28.1 (PyPI); beside it sseclient-py 1.9.0 with requests 2.34.2.
# Source:    HTML standard, 9.2.6: at the blank line, "if the data buffer is an empty string, set the data buffer and the event
#            type buffer to the empty string and return". The package's decoder names that section as what it follows.
# Behaviour: Once the stream has had an id, httpx-sse yields an event with empty data and the last record's id at the blank line
#            behind every comment; before the first id it does not. A lone `retry:` or `id:` yields one too. Who counts or stores
#            events takes each keep-alive for a record more. sseclient-py yields the records only.
# Seen:      httpx-sse: comment 0, record with id 1, comment behind it 1 ('' id 7), retry 1, id 1
#            sseclient-py: comment 0, record with id 1, comment behind it 0, retry 0, id 0
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check httpx==0.28.1 httpx-sse==0.4.3 sseclient-py==1.9.0 requests==2.34.2

cat > events.py <<'PY'
import http.server
import threading

import httpx
import httpx_sse
import requests
import sseclient

COMMENT = ": keep-alive\n\n"
RECORD = "id: 7\ndata: one\n\n"
STREAMS = [COMMENT, RECORD, RECORD + COMMENT, "retry: 500\n\n", "id: 8\n\n"]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = STREAMS[int(self.path[1:])].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/"


def with_httpx(number):
    with httpx.Client(trust_env=False) as client, httpx_sse.connect_sse(client, "GET", base + str(number)) as source:
        return [(event.data, event.id) for event in source.iter_sse()]


def with_sseclient(number):
    session = requests.Session()
    session.trust_env = False
    with session.get(base + str(number), stream=True) as response:
        return [(event.data, event.id) for event in sseclient.SSEClient(response).events()]


for name, read in (("httpx-sse", with_httpx), ("sseclient-py", with_sseclient)):
    comment, record, both, retry, lone_id = map(read, range(len(STREAMS)))
    extra = both[1:]
    shown = "".join(f" ({data!r} id {last})" for data, last in extra)
    print(
        f"{name}: comment {len(comment)}, record with id {len(record)}, comment behind it {len(extra)}{shown}, "
        f"retry {len(retry)}, id {len(lone_id)}"
    )
PY
seen=$(timeout 60 venv/bin/python events.py)
echo "$seen"
[ "$seen" = "httpx-sse: comment 0, record with id 1, comment behind it 1 ('' id 7), retry 1, id 1
sseclient-py: comment 0, record with id 1, comment behind it 0, retry 0, id 0" ]
