// Lines of bytes, however the bytes come in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { linesIn } from '../../src/lines.ts';

const tooLong = (number: number): Error => new Error(`line ${number} is too long`);

async function* given(chunks: readonly (Buffer | string)[]) {
  yield* chunks;
}

async function linesOf(chunks: readonly (Buffer | string)[], maxBytes = 1000) {
  const lines: [string, boolean][] = [];
  for await (const { bytes, ended } of linesIn(given(chunks), maxBytes, tooLong))
    lines.push([bytes.toString('latin1'), ended]);
  return lines;
}

test('any bytes in any pieces: the lines joined by LF are the bytes', async () => {
  const byte = fc.oneof(fc.constantFrom(0x0a, 0x0d, 0xe2, 0x80, 0xa8), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(byte, { maxLength: 8 }), { maxLength: 8 }), async (pieces) => {
      const whole = Buffer.from(pieces.flat()).toString('latin1');
      const lines = await linesOf(pieces.map((piece) => Buffer.from(piece)));
      assert.equal(lines.map(([text, ended]) => (ended ? `${text}\n` : text)).join(''), whole);
      assert.ok(
        lines.every(([text, ended], at) => !text.includes('\n') && (ended || at === lines.length - 1)),
      );
    }),
  );
});

test('a line past its bound ends it at once, by its number; one at the bound does not', async () => {
  assert.deepEqual(await linesOf(['ab', 'cd\n', 'abcd'], 4), [
    ['abcd', true],
    ['abcd', false],
  ]);
  await assert.rejects(linesOf(['abcd\nab', 'cde\n'], 4), { message: 'line 2 is too long' });
  await assert.rejects(linesOf(['abcde'], 4), { message: 'line 1 is too long' });
});
