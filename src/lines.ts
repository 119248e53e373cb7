// Splits a byte stream into lines at LF alone. Node's readline decodes what is not UTF-8 to U+FFFD, also splits at a lone CR,
// U+2028 and U+2029, which JSON may hold, and knows no bound: it is no reader of other people's bytes.

const LF = 0x0a;

export interface Line {
  /** Without the LF. */
  readonly bytes: Buffer;
  /** False for a last line that has no LF. */
  readonly ended: boolean;
}

/** Throws what `tooLong` makes of the line's number, from 1 on, as soon as a line passes `maxBytes`; no more than that is held. */
export async function* linesIn(
  input: AsyncIterable<Buffer | string>,
  maxBytes: number,
  tooLong: (number: number) => Error,
): AsyncGenerator<Line> {
  let number = 1;
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const given of input) {
    const chunk = typeof given === 'string' ? Buffer.from(given) : given;
    for (let from = 0, at = 0; at !== -1; from = at + 1) {
      at = chunk.indexOf(LF, from);
      const part = at === -1 ? chunk.subarray(from) : chunk.subarray(from, at);
      heldBytes += part.length;
      if (heldBytes > maxBytes) throw tooLong(number);
      held.push(part);
      if (at === -1) continue;
      yield { bytes: held.length === 1 ? part : Buffer.concat(held, heldBytes), ended: true };
      held = [];
      heldBytes = 0;
      number += 1;
    }
  }
  if (heldBytes > 0) yield { bytes: Buffer.concat(held, heldBytes), ended: false };
}
