import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Numbering } from '../../../src/producer/numbering.ts';

test('a number is read back from the message that carries it', () => {
  for (const template of ['Message: %d', '%d', '%d bottles', 'a%db', '[%d]'])
    for (const number of [1, 42, 9_007_199_254_740])
      assert.equal(new Numbering(template).numberIn(new Numbering(template).textOf(number)), number);
});

test('what another template made, or nobody, has no number', () => {
  const numbering = new Numbering('Message: %d!');
  for (const text of [
    '',
    'Message: !',
    'Message: 7',
    'message: 7!',
    'Message: 07!',
    'Message: -7!',
    'Message: 7 !',
  ])
    assert.equal(numbering.numberIn(text), null, text);
});

test('a template that begins where it ends does not overlap itself', () => {
  assert.equal(new Numbering('aa%daa').numberIn('aaa'), null);
});
