// A conversation as frames, and what befalls it on the way: bytes damaged, headers and payloads forged under right CRCs, frames
// left out, repeated, exchanged or put in.
import fc from 'fast-check';
import { encodeFrame } from '../../../../src/replication/frames.ts';
import { encodeMessage } from '../../../../src/replication/messages.ts';
import { EXAMPLES } from '../../../unit/replication/examples.ts';
import {
  type ByteDamage,
  byteDamage,
  damageBytes,
  damageJson,
  type JsonDamage,
  jsonDamage,
} from '../../mutate.ts';

export interface Step {
  readonly header: object;
  readonly payload?: readonly Buffer[];
  /** Type of the message that answers it; the next step waits for it, for a while. */
  readonly answer?: string;
}

type At = { readonly at: number };
export type StepDamage =
  | (At & { readonly kind: 'bytes' | 'payload' | 'insert'; readonly damages: readonly ByteDamage[] })
  | (At & { readonly kind: 'forge'; readonly json: readonly JsonDamage[] })
  | (At & { readonly kind: 'drop' | 'repeat' | 'swap' | 'reset' })
  /** A good frame of any kind where none should be, perhaps forged. */
  | (At & { readonly kind: 'extra'; readonly which: number; readonly json: readonly JsonDamage[] });

const at = fc.nat({ max: 99 });
const damages = fc.array(byteDamage, { minLength: 1, maxLength: 2 });
const json = fc.array(jsonDamage, { minLength: 1, maxLength: 2 });

export const stepDamage: fc.Arbitrary<StepDamage> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('bytes', 'payload', 'insert'), at, damages }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('forge'), at, json }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('drop', 'repeat', 'swap', 'reset'), at }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('extra'),
      at,
      which: at,
      json: fc.oneof(fc.constant<JsonDamage[]>([]), json),
    }),
  },
);

/** Bytes to write, and what to wait for behind them. */
export interface Part {
  readonly bytes: Buffer;
  readonly answer: string | null;
  readonly reset: boolean;
}

export const frameOf = (header: object, payload: readonly Buffer[] = []): Buffer =>
  Buffer.concat(encodeFrame(header, payload));

export function damageSteps(steps: readonly Step[], all: readonly StepDamage[]): Part[] {
  const parts = steps.map((step, index) =>
    partOf(
      step,
      all.filter((one) => one.at % steps.length === index),
    ),
  );
  for (const one of all) {
    const index = one.at % parts.length;
    const part = parts[index] as Part;
    if (one.kind === 'drop') parts[index] = { ...part, bytes: Buffer.alloc(0), answer: null };
    else if (one.kind === 'repeat') parts.splice(index, 0, part);
    else if (one.kind === 'swap') parts.splice(index, 2, ...parts.slice(index, index + 2).reverse());
    else if (one.kind === 'insert')
      parts.splice(index, 0, inserted(damageBytes(part.bytes, one.damages).subarray(0, 99)));
    else if (one.kind === 'extra') parts.splice(index + 1, 0, inserted(extra(one.which, one.json)));
    else if (one.kind === 'reset') parts[index] = { ...part, reset: true };
  }
  return parts;
}

const inserted = (bytes: Buffer): Part => ({ bytes, answer: null, reset: false });

function partOf(step: Step, own: readonly StepDamage[]): Part {
  const { header, payload = [], answer = null } = step;
  let said: unknown = header;
  let body: Buffer = Buffer.concat(payload);
  for (const one of own) {
    if (one.kind === 'forge') said = damageJson(said, one.json);
    else if (one.kind === 'payload') body = damageBytes(body, one.damages);
  }
  let bytes = encoded(said, body);
  for (const one of own) if (one.kind === 'bytes') bytes = damageBytes(bytes, one.damages);
  return { bytes, answer, reset: false };
}

/** Forged headers may be no objects, and larger than the encoder allows. */
function encoded(header: unknown, payload: Buffer): Buffer {
  try {
    return frameOf(header as object, payload.length > 0 ? [payload] : []);
  } catch {
    return Buffer.alloc(0); // undefined is no JSON: nothing is sent
  }
}

function extra(which: number, json: readonly JsonDamage[]): Buffer {
  const { header, payload } = encodeMessage(EXAMPLES[which % EXAMPLES.length] as (typeof EXAMPLES)[number]);
  return encoded(damageJson(header, json), Buffer.concat(payload));
}
