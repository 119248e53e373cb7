// Log lines of the programs (pino's JSON) as events.
import type { StackEvent } from './events.ts';

const RECEIVED = 'Received ';
const SENT = 'Sent ';
const ERROR_LEVEL = 50;

/** What a line of process `id` tells: the event to show, and the leadership or readiness in it. */
export interface LineMeaning {
  readonly event: Extract<StackEvent, { event: 'record' | 'sent' | 'log' }>;
  /** It has begun to lead in this epoch. */
  readonly leads: number | null;
  /** It serves now. */
  readonly started: boolean;
}

export function meaningOf(id: string, line: string, stream: 'stdout' | 'stderr'): LineMeaning {
  const fields = stream === 'stdout' ? pinoLine(line) : null;
  if (fields === null) {
    // Whatever is no log line is a complaint: of Node itself, or of a start that failed.
    const event = { event: 'log', id, level: ERROR_LEVEL, message: line } as const;
    return { event, leads: null, started: false };
  }
  const { event, epoch } = fields;
  return {
    event: recordIn(id, fields) ?? sentIn(id, fields) ?? logOf(id, fields),
    leads: event === 'leading' && typeof epoch === 'number' ? epoch : null,
    started: event === 'started',
  };
}

interface PinoLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

function pinoLine(line: string): PinoLine | null {
  try {
    const fields: unknown = JSON.parse(line);
    const { level, msg } = fields as Partial<PinoLine>;
    return typeof level === 'number' && typeof msg === 'string' ? (fields as PinoLine) : null;
  } catch {
    return null; // no JSON, or `null`: the caller shows the line as it is
  }
}

function recordIn(id: string, { msg, offset, epoch, base64 }: PinoLine) {
  if (!msg.startsWith(RECEIVED) || typeof offset !== 'number' || typeof epoch !== 'number') return null;
  const at = { event: 'record', id, offset, epoch } as const;
  return typeof base64 === 'string'
    ? ({ ...at, value: base64, base64: true } as const)
    : { ...at, value: msg.slice(RECEIVED.length) };
}

function sentIn(id: string, { msg, offset, attempts, ms }: PinoLine) {
  if (!msg.startsWith(SENT) || typeof offset !== 'number') return null;
  if (typeof attempts !== 'number' || typeof ms !== 'number') return null;
  return { event: 'sent', id, message: msg.slice(SENT.length), offset, attempts, ms } as const;
}

function logOf(id: string, { level, msg, peer }: PinoLine) {
  return { event: 'log', id, level, message: typeof peer === 'string' ? `${msg} (${peer})` : msg } as const;
}
