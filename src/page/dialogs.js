// What the page asks people for: the target of a transfer, and a token.
import { token, transferTo, useToken, whenTokenWanted } from './api.js';
import { byId, element, say } from './format.js';

let members = [];

export function makeTransfer(onBegun) {
  const dialog = byId('transfer');
  byId('transfer-open').addEventListener('click', () => {
    const followers = members.filter(({ role }) => role === 'follower');
    const named = followers.map(({ id, connected, lag }) =>
      element('option', { value: id, disabled: !connected }, `${id}${hint(connected, lag)}`),
    );
    byId('transfer-to').replaceChildren(
      element('option', { value: '' }, 'the most caught-up follower'),
      ...named,
    );
    say(byId('transfer-error'), '');
    dialog.showModal();
  });
  byId('transfer-cancel').addEventListener('click', () => dialog.close());
  byId('transfer-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const submit = event.submitter;
    if (submit) submit.disabled = true;
    try {
      const { epoch, to } = await transferTo(byId('transfer-to').value || null);
      dialog.close();
      onBegun(`Leadership goes to ${to}, in epoch ${epoch}.`);
    } catch (error) {
      say(byId('transfer-error'), `The transfer did not begin: ${error.message}`);
    } finally {
      if (submit) submit.disabled = false;
    }
  });
}

function hint(connected, lag) {
  if (!connected) return ' (not connected)';
  return lag ? ` (${lag} behind)` : '';
}

/** The leader alone hands over, so elsewhere the way is to its page. */
export function transferSees({ role, leader, members: present }) {
  members = present;
  const leads = role === 'leader';
  const alone = present.length < 2;
  byId('transfer-open').disabled = !leads || alone;
  const link = byId('leader-page');
  link.hidden = leads || leader === null;
  if (leader !== null && link.href !== `${leader.api}/`) link.href = `${leader.api}/`;
  say(byId('transfer-hint'), whyNot(leads, alone, leader));
}

function whyNot(leads, alone, leader) {
  if (leads) return alone ? 'There is no other member to hand over to.' : '';
  return leader === null
    ? 'There is no leader to hand over.'
    : `Leadership is handed over on the page of ${leader.id}.`;
}

export function makeToken(onToken) {
  const dialog = byId('token');
  const value = byId('token-value');
  const open = (reason) => {
    say(byId('token-reason'), reason);
    value.value = token() ?? '';
    byId('token-forget').hidden = token() === null;
    dialog.returnValue = '';
    if (!dialog.open) dialog.showModal();
  };
  const use = (text) => {
    useToken(text);
    dialog.close('used');
    onToken();
  };
  let wasDismissed = false;
  whenTokenWanted((reason) => {
    // Asked once: whoever closes it without a token opens it again by the button.
    if (!wasDismissed && !dialog.open) open(reason);
  });
  byId('token-open').addEventListener('click', () => open(''));
  byId('token-cancel').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    wasDismissed = dialog.returnValue !== 'used';
  });
  byId('token-forget').addEventListener('click', () => use(''));
  byId('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    use(value.value.trim());
  });
}
