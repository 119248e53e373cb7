// Lines of a history file as they are read, with their numbers. Memory is bounded by the longest line; the last line may be
// cut off, since its recorder may have been killed while it wrote it.
import { createReadStream } from 'node:fs';
import type { HistoryLine } from './history.ts';
import { HistoryError, parseLine } from './parse.ts';

const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

export interface NumberedLine {
  readonly number: number;
  readonly line: HistoryLine;
}

/** The lines of a file, or of `input` for `-`. Throws HistoryError; `onCutOff` is told of a last line that was cut off. */
export async function* linesOf(
  path: string,
  input: NodeJS.ReadableStream,
  onCutOff: (number: number) => void,
): AsyncGenerator<NumberedLine> {
  let number = 0;
  for await (const { text, whole } of textsOf(path === '-' ? input : createReadStream(path), path)) {
    number += 1;
    const line = parsed(text, `${path}:${number}`, whole);
    if (line === null) return onCutOff(number);
    if (number === 1 && line.type !== 'history')
      throw new HistoryError(`${path}:1: a history begins with a line of type history, not ${line.type}`);
    yield { number, line };
  }
  if (number === 0) throw new HistoryError(`${path}: the file is empty`);
}

/** Null for a last line without its end that makes no sense. */
function parsed(text: string, where: string, whole: boolean): HistoryLine | null {
  try {
    return parseLine(text, where);
  } catch (error) {
    if (!whole && error instanceof HistoryError && error.cause instanceof SyntaxError) return null;
    throw error;
  }
}

async function* textsOf(
  stream: NodeJS.ReadableStream,
  path: string,
): AsyncGenerator<{ text: string; whole: boolean }> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const given of stream) {
    const chunk = typeof given === 'string' ? Buffer.from(given) : given;
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      held.push(chunk.subarray(from, to));
      yield { text: Buffer.concat(held).toString('utf8'), whole: true };
      held = [];
      heldBytes = 0;
      from = to + 1;
    }
    held.push(chunk.subarray(from));
    heldBytes += chunk.length - from;
    if (heldBytes > MAX_LINE_BYTES)
      throw new HistoryError(`${path}: a line has more than ${MAX_LINE_BYTES} bytes`);
  }
  const rest = Buffer.concat(held).toString('utf8');
  if (rest !== '') yield { text: rest, whole: false };
}
