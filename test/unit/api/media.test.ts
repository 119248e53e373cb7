import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantsEvents } from '../../../src/api/media.ts';

const accepts: [accept: string | undefined, events: boolean][] = [
  [undefined, false],
  ['', false],
  ['*/*', false],
  ['text/*', false],
  ['text/event-stream', true],
  ['TEXT/Event-Stream; charset=utf-8', true],
  ['text/event-stream, */*;q=0.1', true],
  ['text/event-stream;q=0', false],
  ['text/event-stream; q=0.0', false],
  ['application/x-ndjson, text/event-stream', true],
  ['application/x-ndjson, text/event-stream;q=0.9', false],
  ['application/x-ndjson;q=0.5, text/event-stream;q=0.9', true],
  ['text/event-streams', false],
];
for (const [accept, events] of accepts)
  test(`Accept: ${accept} gets ${events ? 'events' : 'rows'}`, () =>
    assert.equal(wantsEvents(accept), events));
