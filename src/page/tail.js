// The live tail: follows the log, reconnects by itself, shows at most a few hundred rows. Behind a filter it keeps what
// matches; from an offset on it is a search through the whole log.
import { follow, Refused } from './api.js';
import { byId, clockMs, count, element, moment, say } from './format.js';

const MAX_ROWS = 300;
/** Rows kept for another filter. */
const MAX_RECENT = 2000;
/** When the live end is so far ahead, the tail leaps to it: no eye follows, and no page should. */
const MAX_BEHIND = 20_000;
const RECONNECT_MS = 1000;
const MAX_SHOWN_CHARACTERS = 2000;

let recent = [];
let next = null; // offset to go on at; null before the first status
let commit = 0;
let live = true; // wants the newest records, rather than all from an offset on
let paused = false;
let running = null;

export function makeTail() {
  byId('tail-pause').addEventListener('click', () => setPaused(!paused));
  byId('tail-filter').addEventListener('input', showAll);
  byId('tail-latest').addEventListener('click', () => start(latest(), true));
  byId('tail-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = byId('tail-offset').value.trim();
    if (/^\d{1,15}$/.test(text)) start(Number(text), false);
    else state('Offset takes a whole number.', 'bad');
  });
}

const latest = () => Math.max(0, commit - MAX_ROWS);

/** Told with every status: where the log ends, and where it begins. */
export function tailSees(offsets) {
  commit = offsets.commit;
  if (next === null) start(Math.max(offsets.first, latest()), true);
  else if (live && !paused && commit - next > MAX_BEHIND) {
    const skipped = latest() - next;
    start(latest(), true);
    addRows([{ gap: `${count(skipped)} records left out: they came faster than this page shows them` }]);
  }
}

/** After a token was entered, or after the logger came back. */
export function tailRetries() {
  if (next !== null && !paused) run();
}

function start(offset, wantsLive) {
  recent = [];
  next = offset;
  live = wantsLive;
  byId('tail').tBodies[0].replaceChildren();
  if (paused) setPaused(false);
  else run();
}

function setPaused(value) {
  paused = value;
  const button = byId('tail-pause');
  button.setAttribute('aria-pressed', String(paused));
  if (!paused) return run();
  running?.abort();
  state(`Paused at offset ${count(next)}.`, 'warn');
}

async function run() {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  while (!signal.aborted) {
    const onOpen = () => state(live ? 'Following.' : `Reading from offset ${count(next)}.`);
    try {
      await follow(next, signal, { onOpen, onRows: (rows) => take(rows, signal) });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.code === 'offset-gone' && error.first > next) {
        addRows([{ gap: `records from ${count(next)} to ${count(error.first - 1)} are no longer kept` }]);
        next = error.first;
        continue;
      }
      state(error instanceof Refused ? error.message : 'Not connected; trying again.', 'warn');
    }
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

async function take(rows, signal) {
  if (signal.aborted) return;
  next = rows.at(-1).offset + 1;
  recent = [...recent, ...rows].slice(-MAX_RECENT);
  addRows(rows);
  // At most one change of the page for each picture; what is behind this waits in the connection. Hidden pages draw none.
  await new Promise((resolve) =>
    document.hidden ? setTimeout(resolve, 100) : requestAnimationFrame(resolve),
  );
}

const wanted = () => byId('tail-filter').value.trim().toLowerCase();
const textOf = ({ key, keyBase64, value, base64 }) => ({
  key: key ?? (keyBase64 === undefined ? '' : `base64:${keyBase64}`),
  value: (value ?? `base64:${base64}`).slice(0, MAX_SHOWN_CHARACTERS),
});

function showAll() {
  byId('tail').tBodies[0].replaceChildren();
  addRows(recent);
}

function addRows(rows) {
  const filter = wanted();
  const matching = filter === '' ? rows : rows.filter((row) => row.gap || matches(row, filter));
  if (matching.length === 0) return;
  const scroll = byId('tail-scroll');
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  const body = byId('tail').tBodies[0];
  body.append(...matching.slice(-MAX_ROWS).map((row) => rowOf(row, filter)));
  while (body.rows.length > MAX_ROWS) body.rows[0].remove();
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function matches(row, filter) {
  const { key, value } = textOf(row);
  return value.toLowerCase().includes(filter) || key.toLowerCase().includes(filter);
}

function rowOf(row, filter) {
  if (row.gap) return element('tr', { className: 'gap' }, element('td', { colSpan: 4 }, row.gap));
  const { key, value } = textOf(row);
  const text = element('td');
  if (key !== '') text.append(element('span', { className: 'key' }, ...marked(`${key}: `, filter)));
  text.append(...marked(value, filter));
  return element(
    'tr',
    {},
    element('td', { className: 'number' }, String(row.offset)),
    element('td', { title: moment(row.timestamp) }, clockMs(row.timestamp)),
    element('td', { className: 'number wide' }, String(row.epoch)),
    text,
  );
}

function marked(text, filter) {
  if (filter === '') return [text];
  const parts = [];
  const lower = text.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(filter); at !== -1; at = lower.indexOf(filter, from)) {
    parts.push(text.slice(from, at), element('mark', {}, text.slice(at, at + filter.length)));
    from = at + filter.length;
  }
  return [...parts, text.slice(from)];
}

function state(text, kind = 'quiet') {
  const node = byId('tail-state');
  node.className = `small ${kind}`;
  say(node, text);
}
