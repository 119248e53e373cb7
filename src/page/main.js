// Asks this logger again and again and tells the parts of the page. Nothing here gives up: a logger that is away is asked
// until it is back, and the last known facts stay where they are, marked as old.
import { getJson, Refused } from './api.js';
import { makeCharts, showStats } from './charts.js';
import { makeToken, makeTransfer, transferSees } from './dialogs.js';
import { byId, clock, say } from './format.js';
import { showHistory, showOld, showStatus } from './members.js';
import { makeTail, tailRetries, tailSees } from './tail.js';

const STATUS_MS = 1000;
const STATS_MS = 2000;
const HISTORY_MS = 15_000;
const ANNOUNCED_MS = 5000;

let samples = [];
let status = null;
let announced = { text: '', untilMs: 0 };
let historyEpoch = -1;
let historyAtMs = Number.NEGATIVE_INFINITY;
let lastAnswerMs = null;

makeCharts();
makeTail();
makeTransfer((text) => {
  announced = { text, untilMs: Date.now() + ANNOUNCED_MS };
  notice(text, 'leads');
});
makeToken(() => {
  tailRetries();
  askStatus();
});
every(STATUS_MS, askStatus);
every(STATS_MS, askStats);

/** Runs `work` until the page goes, `ms` after it ended last; hardly ever while nobody looks. */
async function every(ms, work) {
  for (;;) {
    await work();
    await new Promise((resolve) => setTimeout(resolve, document.hidden ? ms * 5 : ms));
  }
}

async function askStatus() {
  try {
    status = await getJson('/api/v1/status');
  } catch (error) {
    notice(away(error), 'bad');
    markOld(true);
    return;
  }
  lastAnswerMs = Date.now();
  markOld(false);
  showStatus(status);
  transferSees(status);
  tailSees(status.offsets);
  tell(status);
  await askHistory(status.epoch);
}

/** What is shown is of before: nothing of it may look well. */
function markOld(isOld) {
  document.body.classList.toggle('old', isOld);
  if (isOld && status !== null) showOld(status);
}

function away(error) {
  if (error instanceof Refused && error.status === 401) return 'The API asks for a token: press Token.';
  if (error instanceof Refused) return `This logger refuses to tell its status: ${error.message}`;
  const since = lastAnswerMs === null ? '' : ` What you see is from ${clock(lastAnswerMs)}.`;
  return `This logger does not answer.${since} The page goes on trying.`;
}

/** One sentence on what matters most now. */
function tell({ leader, members, consul, label, id, role, epoch, damage }) {
  const gone = members.filter(({ connected }) => !connected).map((member) => member.id);
  if (announced.untilMs > Date.now() && leader !== null) return notice(announced.text, 'leads');
  if (leader === null)
    return notice('There is no leader: nothing can be appended until one is elected. Reads go on.', 'bad');
  if (damage !== null)
    return notice(`The log of ${id} is damaged: ${damage}. Replace this logger’s volume.`, 'bad');
  if (!consul.reachable)
    return notice(
      'Consul does not answer. Writes and reads go on; another leader cannot be elected until it is back.',
      'warn',
    );
  if (consul.error !== null)
    return notice(`Consul answers, but: ${consul.error}. Another leader cannot be elected.`, 'warn');
  if (gone.length > 0)
    return notice(
      `${gone.join(' and ')} ${gone.length > 1 ? 'are' : 'is'} not connected to ${role === 'leader' ? 'the leader' : id}.`,
      'warn',
    );
  if (label.enabled && !label.inSync)
    return notice('The pod’s label does not say what it should: the leader Service may be wrong.', 'warn');
  const where = role === 'leader' ? `${id} leads` : `${id} follows ${leader.id}`;
  notice(`${where} in epoch ${epoch}.`, 'good');
}

function notice(text, kind) {
  const node = byId('notice');
  node.className = `notice ${kind}`;
  say(node, text);
}

async function askStats() {
  const since = samples.at(-1)?.time ?? 0;
  try {
    const stats = await getJson(`/api/v1/stats?since=${since}`);
    samples = [...samples, ...stats.samples].slice(-stats.maxSamples);
    showStats(samples);
  } catch {
    // The status says that the logger is away; the charts show it as a gap.
  }
}

async function askHistory(epoch) {
  if (epoch === historyEpoch && Date.now() - historyAtMs < HISTORY_MS) return;
  try {
    const { epochs } = await getJson('/api/v1/history');
    showHistory(epochs, status.leader === null ? null : epoch);
    // Its first record, which dates an epoch, may come a moment later.
    if (epochs[0]?.epoch === epoch && epochs[0].start !== null) historyEpoch = epoch;
    historyAtMs = Date.now();
  } catch {
    // Asked again with the next status.
  }
}
