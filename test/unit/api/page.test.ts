// The files of the status page: what is served, with which header fields, and what is not.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assertProblem, RawClient, send, startApi } from '../../support/api.ts';

const PAGE = new URL('../../../src/page/', import.meta.url);

test('the page and all that it loads are served, from here alone', async (t) => {
  const { url } = await startApi(t);
  const page = await send(`${url}/`);
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'] ?? '', /^text\/html/);
  const loaded = [...page.text.matchAll(/(?:href|src)="([^"]+\.(?:css|js|svg))"/g)].map(([, link]) => link);
  assert.ok(loaded.length >= 3);
  const seen = new Set<string>();
  for (const link of loaded) await follow(link ?? '');
  assert.ok(seen.has('/page/uPlot.esm.js'), 'the chart library comes with it');
  const own = readdirSync(PAGE).filter((name) => name !== 'index.html');
  for (const name of own) assert.ok(seen.has(`/page/${name}`), `${name} is used`);

  async function follow(path: string): Promise<void> {
    if (seen.has(path)) return;
    seen.add(path);
    const answer = await send(url + path);
    assert.equal(answer.status, 200, path);
    const type = { css: 'text/css', js: 'application/javascript', svg: 'image/svg+xml' }[
      path.split('.').at(-1) ?? ''
    ];
    assert.equal(answer.headers['content-type']?.split(';')[0], type, path);
    for (const [, name] of answer.text.matchAll(/^import .*?from '\.\/([^']+)'/gm))
      await follow(`/page/${name}`);
  }
});

test('a strict policy holds: no inline script or style, nothing from elsewhere', async (t) => {
  const { url } = await startApi(t);
  for (const path of ['/', '/page/main.js', '/page/none.js']) {
    const { headers } = await send(url + path);
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
  }
  const page = readFileSync(new URL('index.html', PAGE), 'utf8');
  assert.doesNotMatch(page, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|https?:\/\//);
});

test('files are kept by browsers and asked for anew, which costs no body', async (t) => {
  const { url } = await startApi(t);
  for (const path of ['/', '/page/page.css', '/page/uPlot.esm.js']) {
    const whole = await send(url + path);
    assert.equal(whole.headers['cache-control'], 'no-cache');
    const etag = whole.headers.etag ?? '';
    assert.notEqual(etag, '');
    const again = await send(url + path, { headers: { 'if-none-match': etag } });
    assert.equal(again.status, 304);
    assert.equal(again.text, '');
    const head = await send(url + path, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    assert.equal(head.headers['content-length'], String(Buffer.byteLength(whole.text)));
  }
});

test('nothing else is served, whatever the path is made of', async (t) => {
  const { url, port } = await startApi(t);
  const paths = [
    '/page',
    '/page/',
    '/page/none.js',
    '/page/index.html',
    '/page/uPlot.cjs.js',
    '/page/package.json',
    '/page/.env',
  ];
  for (const path of paths) assertProblem(await send(url + path), 'not-found');
  const climbing = ['/page/%2e%2e/main.js', '/page/..%2fversion.ts', '/page/..%5cversion.ts'];
  for (const path of [
    ...climbing,
    '/page/%2fetc%2fpasswd',
    '/page/page.css%00.js',
    '/page/page.css/',
    '/page//page.css',
  ])
    assert.ok([400, 404].includes((await send(url + path)).status), path);
  for (const path of ['/page/../version.ts', '/page/../../package.json', '/page/./../api/page.ts']) {
    const client = new RawClient(port);
    client.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    assert.match(await client.closed(), /^HTTP\/1\.1 40[04] /, path);
  }
});

test('files take GET and HEAD alone', async (t) => {
  const { url } = await startApi(t);
  for (const path of ['/', '/page/page.css']) {
    const answer = await send(url + path, { method: 'POST' });
    assertProblem(answer, 'method-not-allowed');
    assert.equal(answer.headers.allow, 'GET, HEAD');
  }
});
