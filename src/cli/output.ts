// What dlog prints: aligned columns for people, one JSON object a line for programs.
import type { MemberStatus } from '../api/index.ts';
import type { ReadRecord } from '../client/index.ts';
import { oneLine } from '../terminal-text.ts';

export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** Columns, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

export const memberTable = (members: readonly MemberStatus[]): string =>
  table([
    ['MEMBER', 'ROLE', 'CONNECTED', 'END', 'LAG', 'PEER'],
    ...members.map(({ id, role, connected, end, lag, peer }) => [
      id,
      role,
      connected ? 'yes' : 'no',
      end === null ? '?' : String(end),
      lag === null ? '?' : String(lag),
      peer,
    ]),
  ]);

/** Its bytes as they are, for a file or another program. */
export const recordLine = ({ value }: ReadRecord): string | Uint8Array =>
  typeof value === 'string' ? `${value}\n` : Buffer.concat([value, Buffer.from('\n')]);

/** One line on a terminal, which no byte of the record controls. */
export const shownLine = ({ value }: ReadRecord): string =>
  `${typeof value === 'string' ? oneLine(value) : `base64 ${Buffer.from(value).toString('base64')}`}\n`;

/** A row as the API gives it (docs/reference/api.md). */
export function recordJson({ offset, timestampMs, epoch, key, value }: ReadRecord): string {
  const keyed = key === null ? {} : bytesOrText(key, 'key', 'keyBase64');
  return jsonLine({
    offset,
    timestamp: timestampMs,
    epoch,
    ...keyed,
    ...bytesOrText(value, 'value', 'base64'),
  });
}

const bytesOrText = (value: string | Uint8Array, text: string, base64: string): Record<string, string> =>
  typeof value === 'string' ? { [text]: value } : { [base64]: Buffer.from(value).toString('base64') };
