// Who leads, who follows and how far behind: the facts at the top, the table of members and the leadership history.
import { byId, count, element, fill, moment, records, say } from './format.js';

/** `status` is what the API says. */
export function showStatus(status) {
  const { id, cluster, version, role } = status;
  document.title = `${id}: ${role} · ${cluster}`;
  say(byId('self'), id);
  say(byId('cluster'), `cluster ${cluster}`);
  const badge = byId('role');
  badge.hidden = false;
  badge.className = `badge ${role === 'leader' ? 'leads' : 'quiet'}`;
  say(badge, role === 'leader' ? '★ leader' : 'follower');
  say(
    byId('footer'),
    `This is the view of ${id}, version ${version}; another logger may know a moment more.`,
  );
  // Each logger knows them in an order of its own; logger-2 comes before logger-10.
  const rows = status.members
    .toSorted((one, other) => one.id.localeCompare(other.id, 'en', { numeric: true }))
    .map((member) => memberRow(member, status));
  fill(byId('facts'), facts(status));
  fill(byId('members').tBodies[0], rows);
}

/** When this logger does not answer: what was shown of it is no longer known. */
export function showOld({ id, cluster }) {
  document.title = `${id}: away · ${cluster}`;
  const badge = byId('role');
  badge.className = 'badge bad';
  say(badge, '⚠ away');
}

function fact(name, value, { more = '', className = '' } = {}) {
  const dd = element('dd', { className }, value);
  if (more !== '') dd.append(element('span', { className: 'more' }, more));
  return element('div', {}, element('dt', {}, name), dd);
}

function facts({ leader, epoch, offsets, consul, label, members, damage }) {
  const connected = members.filter((member) => member.connected).length;
  return [
    fact('Leader', leader?.id ?? '⚠ none', { className: leader === null ? 'bad' : '' }),
    fact('Epoch', count(epoch)),
    fact('Committed', count(offsets.commit), { more: commitText(offsets) }),
    ...(damage === null ? [] : [fact('Log', '⚠ damaged', { className: 'word bad', more: damage })]),
    fact('Connected members', `${connected} of ${members.length}`, {
      className: connected < members.length ? 'warn' : '',
      more: connected * 2 > members.length ? 'as seen from here' : 'no majority seen from here',
    }),
    fact('Consul', ...consulFact(consul)),
    fact('Pod label', ...labelFact(label)),
  ];
}

function commitText({ first, commit, end }) {
  const waiting = end > commit ? `${records(end - commit)} waiting` : 'all records';
  return first > 0 ? `${waiting}, kept from ${count(first)}` : waiting;
}

function consulFact({ reachable, address, error }) {
  if (!reachable) return ['⚠ away', { className: 'word bad', more: error ?? 'writes go on without it' }];
  if (error !== null) return ['⚠ reachable', { className: 'word bad', more: error }];
  return ['✓ reachable', { className: 'word good', more: address ?? '' }];
}

function labelFact({ enabled, wanted, observed, inSync, error }) {
  if (!enabled) return ['off', { className: 'word quiet', more: 'not on Kubernetes' }];
  if (inSync) return [`✓ ${observed ?? wanted}`, { className: 'word good' }];
  return [`⚠ ${observed ?? 'missing'}`, { className: 'word bad', more: error ?? `should be ${wanted}` }];
}

function memberRow({ id, role, connected, end, lag, peer }, status) {
  const self = id === status.id ? ' (this one)' : '';
  const name = element('th', { scope: 'row' }, id, element('span', { className: 'quiet small self' }, self));
  const isLeader = role === 'leader';
  const leads = element('td', { className: isLeader ? 'leads' : '' }, isLeader ? '★ leader' : 'follower');
  const link = element('td', { className: connected ? 'good' : 'bad' }, connected ? '✓ connected' : '✕ away');
  return element(
    'tr',
    {},
    name,
    leads,
    link,
    element('td', { className: 'number wide' }, count(end)),
    element('td', { className: `number ${lag > 10_000 ? 'warn' : ''}` }, count(lag)),
    element('td', { className: 'wide quiet' }, peer),
  );
}

export function showHistory(epochs, present) {
  const rows = epochs.map(({ epoch, leader, start, time, seen }) => {
    const when = time === null ? 'unknown' : moment(time);
    const title = seen ? 'when this logger learned of the leader' : 'time of its first record';
    return element(
      'tr',
      {},
      element('th', { scope: 'row', className: 'number' }, count(epoch)),
      element('td', { className: epoch === present ? 'leads' : '' }, leader ?? 'not seen'),
      element('td', { title }, time === null || seen ? when : `${when} *`),
      element('td', { className: 'number' }, start === null ? '–' : count(start)),
    );
  });
  if (epochs.some(({ time, seen }) => time !== null && !seen)) rows.push(note());
  fill(byId('history').tBodies[0], rows);
}

const note = () =>
  element('tr', {}, element('td', { colSpan: 4, className: 'quiet small' }, '* by its first record'));
