// Lines of a history file as they are read, with their numbers. Memory is bounded by the longest line; the last line may be
// cut off, since its recorder may have been killed while it wrote it.
import { createReadStream } from 'node:fs';
import { linesIn } from '../lines.ts';
import type { HistoryLine } from './history.ts';
import { HistoryError, parseLine } from './parse.ts';

const MAX_LINE_BYTES = 64 * 1024 * 1024;

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
  const bytesIn = path === '-' ? (input as AsyncIterable<Buffer | string>) : createReadStream(path);
  const tooLong = (at: number): Error =>
    new HistoryError(`${path}:${at}: the line has more than ${MAX_LINE_BYTES} bytes`);
  for await (const { bytes, ended } of linesIn(bytesIn, MAX_LINE_BYTES, tooLong)) {
    number += 1;
    const line = parsed(bytes.toString('utf8'), `${path}:${number}`, ended);
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
