// Events as lines for people: the time, who, what. One colour for each process, so that the eye can follow one of them.
import { styleText } from 'node:util';
import { oneLine } from '../terminal-text.ts';
import type { ReadyEvent, StackEvent } from './events.ts';

type Style = Parameters<typeof styleText>[0];

const LOGGER_STYLES = ['cyan', 'green', 'magenta', 'blue', 'yellow', 'cyanBright', 'greenBright'] as const;
const NAME_WIDTH = 9;
const WARN_LEVEL = 40;
const ERROR_LEVEL = 50;
/** An acknowledgement that took longer, or a second attempt, is worth a line: otherwise the record's own is enough. */
const SLOW_MS = 50;
const MAX_VALUE_CHARS = 200;

export interface RenderOptions {
  readonly colour: boolean;
  /** Whether keys are read: then they are explained. */
  readonly keys: boolean;
  readonly now?: () => Date;
}

/** Returns a function from events to text, empty for events that are not shown. */
export function renderer({
  colour,
  keys,
  now = () => new Date(),
}: RenderOptions): (event: StackEvent) => string {
  const paint = (style: Style, text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const line = (id: string, text: string): string => {
    const time = now().toTimeString().slice(0, 8) + now().toISOString().slice(19, 23);
    return `${paint('dim', time)}  ${paint(styleOf(id), id.padEnd(NAME_WIDTH))} ${text}\n`;
  };
  return (event) => {
    const shown = textOf(event, paint);
    if (event.event === 'ready') return banner(event, paint, keys);
    return shown === null ? '' : line('id' in event ? event.id : 'stack', shown);
  };
}

function styleOf(id: string): Style {
  const number = /^logger-(\d+)$/.exec(id)?.[1];
  return number === undefined ? 'gray' : (LOGGER_STYLES[Number(number) % LOGGER_STYLES.length] ?? 'gray');
}

type Paint = (style: Style, text: string) => string;

function textOf(event: StackEvent, paint: Paint): string | null {
  switch (event.event) {
    case 'ready':
      return null;
    case 'leader':
      return paint(['bold', 'green'], `★ leads in epoch ${event.epoch}`);
    case 'record':
      return `${paint('dim', `#${event.offset}`)} ${shownValue(event)}`;
    case 'sent':
      return sentText(event, paint);
    case 'log':
      return logText(event, paint);
    case 'exit':
      return event.code === 0
        ? paint('dim', 'ended')
        : paint(['bold', 'red'], `✗ ended (${event.signal ?? `code ${event.code}`})`);
    case 'restarted':
      return `started again, pid ${event.pid}`;
    case 'killed':
      return paint(['bold', 'red'], `SIGKILL to pid ${event.pid}`);
    case 'paused':
      return paint(['bold', 'yellow'], `SIGSTOP to pid ${event.pid}: frozen until p is pressed again`);
    case 'resumed':
      return paint(['bold', 'yellow'], `SIGCONT to pid ${event.pid}: it goes on, as a stale leader or not`);
    case 'transfer':
      return paint('bold', `hands over to ${event.to}, epoch ${event.epoch}`);
    case 'note':
      return event.message;
    case 'stopping':
      return `ending: ${event.reason}`;
    case 'stopped':
      return 'ended, no process is left';
  }
}

function shownValue({ value, base64 }: Extract<StackEvent, { event: 'record' }>): string {
  if (base64) return `base64 ${value.slice(0, MAX_VALUE_CHARS)}`;
  const cut = value.length > MAX_VALUE_CHARS ? `${value.slice(0, MAX_VALUE_CHARS)}…` : value;
  return oneLine(cut);
}

function sentText(event: Extract<StackEvent, { event: 'sent' }>, paint: Paint): string | null {
  const { message, offset, attempts, ms } = event;
  if (attempts === 1 && ms < SLOW_MS) return null;
  const tried = attempts === 1 ? '' : ` and ${attempts} attempts`;
  return paint('yellow', `${oneLine(message)} was acknowledged after ${ms} ms${tried}, offset ${offset}`);
}

function logText({ level, message: told }: Extract<StackEvent, { event: 'log' }>, paint: Paint): string {
  const message = oneLine(told);
  if (level >= ERROR_LEVEL) return paint('red', message);
  return paint(level >= WARN_LEVEL ? 'yellow' : 'dim', message);
}

function banner({ loggers, producer, consul, data }: ReadyEvent, paint: Paint, keys: boolean): string {
  const row = (name: string, address: string, pid: number | null): string =>
    `  ${paint(styleOf(name), name.padEnd(NAME_WIDTH))} ${paint('bold', address)}${pid === null ? '' : paint('dim', `  pid ${pid}`)}\n`;
  const first = loggers[0]?.api ?? '';
  return [
    '\n',
    ...loggers.map(({ id, api, pid }) => row(id, api, pid)),
    producer ? row('producer', `${producer.url}/metrics`, producer.pid) : '',
    row('consul', consul.address, consul.pid),
    paint('dim', `  data      ${data}\n`),
    `\n  ${paint('dim', 'try')} curl -L -H 'content-type: text/plain' -d hello ${first}/api/v1/log\n`,
    `  ${paint('dim', 'try')} curl '${first}/api/v1/log?limit=5'\n`,
    keys
      ? `\n  ${['k kill the leader', 't transfer', 'p pause or resume it', 'q quit'].join(paint('dim', ' · '))}\n`
      : '',
    '\n',
  ].join('');
}
