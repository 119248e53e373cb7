#!/usr/bin/env bash
# Guess:     undici's RetryAgent goes on with a broken body only where a strong validator shows that it is the same one;
#            without an ETag it fails, or begins anew. Two versions of a file never end up in one body.
# Package:   undici 8.13.1 (npm), on Node 24.21.0 (npm package `node`).
# Source:    RFC 9110, 15.3.7.3: parts, and the head of a 200 that broke off, may be combined if they share the same strong
#            validator. undici's pages on RetryHandler and RetryAgent do not name ranges.
# Behaviour: A GET whose body breaks off is asked for again with a bare `Range: bytes=400-999`: no If-Match, no If-Range. The
#            206 is appended though its Last-Modified is another day's. The caller gets 200 and the head of one file with
#            the tail of the other, and no error.
# Seen:      200 1000 bytes: 400 A, 600 B; second request: range=bytes=400-999 if-match=none if-range=none
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{ "private": true, "type": "module", "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund --engine-strict=false node@24.21.0 undici@8.13.1

cat > splice.js <<'JS'
import { createServer } from 'node:http';
import { Agent, RetryAgent, request } from 'undici';

const asked = [];
const server = createServer(({ headers }, response) => {
  asked.push(headers);
  if (headers.range === undefined) {
    response.writeHead(200, { 'content-length': 1000, 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' });
    response.write('A'.repeat(400));
    setTimeout(() => response.destroy(), 100);
    return;
  }
  // The file was replaced in between.
  const from = Number(/^bytes=(\d+)-/.exec(headers.range)[1]);
  response.writeHead(206, {
    'content-range': `bytes ${from}-999/1000`,
    'content-length': 1000 - from,
    'last-modified': 'Tue, 02 Jan 2024 00:00:00 GMT',
  });
  response.end('B'.repeat(1000 - from));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const dispatcher = new RetryAgent(new Agent(), { minTimeout: 50 });
const { statusCode, body } = await request(`http://127.0.0.1:${server.address().port}/`, { dispatcher });
const text = await body.text();
const count = (letter) => text.split(letter).length - 1;
const { range, 'if-match': match = 'none', 'if-range': ifRange = 'none' } = asked[1];
console.log(
  `${statusCode} ${text.length} bytes: ${count('A')} A, ${count('B')} B; ` +
    `second request: range=${range} if-match=${match} if-range=${ifRange}`,
);
await dispatcher.close();
server.close();
JS
seen=$(timeout 60 node_modules/.bin/node splice.js)
echo "$seen"
[ "$seen" = '200 1000 bytes: 400 A, 600 B; second request: range=bytes=400-999 if-match=none if-range=none' ]
