// The words of odd requests: paths, numbers, names, types, header fields and bodies, good ones among them.

export const LOG = '/api/v1/log';
export const TRANSFER = '/api/v1/leader/transfer';
// biome-ignore format: lists of words
export const PATHS = [
  '/api/v1/status', '/api/v1/producers/7', '/api/v1/producers/', '/api/v1/stats', '/api/v1/history', '/api/v1/members',
  TRANSFER, '/api/v1/offsets?timestamp=0', '/livez', '/readyz', '/metrics', '/docs', '/docs/json',
  '/docs/static/../../package.json', '/', '//', '*', 'http://x/api/v1/log', 'http://[/api/v1/log', '/%00', '/api/v1/log/',
  '/API/v1/log', '/%ff', '/..%2f..',
];
// biome-ignore format: lists of words
export const METHODS = [
  'GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'SEARCH', 'get', '',
];
// biome-ignore format: lists of words
export const NUMBERS = [
  '0', '1', '-1', '7', '1e9', '9007199254740993', '٣', '', ' ', '5s', '20ms', 'NaN', 'null', '%F0', '+1', '0x1',
];
export const NAMES = ['offset', 'limit', 'wait', 'consistency', 'constructor', '__proto__', '', 'timestamp'];
// biome-ignore format: lists of words
export const TYPES = [
  'text/plain', 'application/octet-stream', 'application/json', 'application/x-ndjson',
  'application/vnd.distributed-logger.batch', 'text/xml', 'APPLICATION/JSON; charset=utf-16', '/', ';', 'application/json;',
  'multipart/form-data; boundary=x',
];
// biome-ignore format: lists of words
export const FIELDS = [
  'Producer-Id', 'Producer-Epoch', 'Producer-Seq', 'Last-Event-ID', 'Accept', 'Content-Encoding', 'Expect', 'Connection',
  'Transfer-Encoding', 'Upgrade', 'Range', 'If-None-Match', 'Accept-Version', 'Trailer', 'TE', 'Content-Length', 'Host', 'X',
];
// biome-ignore format: lists of words
export const VALUES = [
  ...NUMBERS, 'gzip', 'chunked', '100-continue', 'keep-alive', 'close', 'upgrade', 'h2c', 'bytes=0-', 'bytes=5-1', '*',
  'identity', 'text/event-stream', 'text/event-stream;q=0', 'a\u0000b', 'a\rb', '\u00ff\u00fe', 'x'.repeat(300),
  'x'.repeat(20_000),
];
// biome-ignore format: lists of words
export const BODIES = [
  '', 'a', '[]', '["a"]', '[{"value":"a"}]', '[{"value":1}]', '"a"\n"b"', '{"to":"logger-1"}', '{"to":{}}', '[[[[', 'null',
  '["\\ud800"]', '{"__proto__":1}', '[{"base64":"%"}]', '\u{1f600}', '[1e999]', '\0\0\0', '['.repeat(20_000),
  'x'.repeat(17_000), 'x'.repeat(70_000),
];
