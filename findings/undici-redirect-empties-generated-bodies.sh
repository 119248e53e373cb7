#!/usr/bin/env bash
# Guess:     A body out of a generator can be sent once. So undici's redirect interceptor, at a 307, hands out the 307 or fails,
#            as it does for a stream and as its fetch does.
# Package:   undici 8.13.1 (npm), on Node 24.21.0 (npm package `node`).
# Source:    RFC 9110, 15.4.8: a 307 is followed with the same method, and so with the same content. undici's
#            lib/handler/redirect-handler.js wraps an iterable body in a class whose assertion `disturbed` guards its
#            second use.
# Behaviour: The interceptor follows the 307 and sends the same POST with an empty body. The new server answers 200, and the
#            caller takes records for stored that never arrived. A Readable of the same chunks gets the 307 itself.
# Seen:      generator: 200; /old got 8 bytes, /new got 0 bytes
#            stream: 307; /old got 8 bytes
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{ "private": true, "type": "module", "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund --engine-strict=false node@24.21.0 undici@8.13.1

cat > redirect.js <<'JS'
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { Agent, interceptors, request } from 'undici';

let got = [];
const server = createServer(async (incoming, response) => {
  let bytes = 0;
  for await (const chunk of incoming) bytes += chunk.length;
  got.push(`${incoming.url} got ${bytes} bytes`);
  if (incoming.url === '/old') response.writeHead(307, { location: '/new' });
  response.end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const dispatcher = new Agent().compose(interceptors.redirect({ maxRedirections: 3 }));

async function* lines() {
  yield Buffer.from('one\n');
  yield Buffer.from('two\n');
}
for (const [name, body] of [['generator', lines()], ['stream', Readable.from(lines())]]) {
  got = [];
  const answer = await request(`http://127.0.0.1:${server.address().port}/old`, { method: 'POST', body, dispatcher });
  await answer.body.dump();
  console.log(`${name}: ${answer.statusCode}; ${got.join(', ')}`);
}
await dispatcher.close();
server.close();
JS
seen=$(timeout 60 node_modules/.bin/node redirect.js)
echo "$seen"
[ "$seen" = 'generator: 200; /old got 8 bytes, /new got 0 bytes
stream: 307; /old got 8 bytes' ]
