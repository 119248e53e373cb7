// A real process on a real disk, killed without a word while it appends.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { NodeDisk, type OpenedLog, openLog, recordsOf } from '../../../src/log/index.ts';
import { neverRoom } from '../../support/log-fixture.ts';

const KILLS = 4;
const GROUPS_BEFORE_KILL = 60;
const PROGRAM = new URL('../../support/append-forever.ts', import.meta.url).pathname;

const open = (directory: string): Promise<OpenedLog> =>
  openLog({
    disk: new NodeDisk(),
    directory,
    randomUuid: randomUUID,
    onFatal: (error) => {
      throw error;
    },
    waitForRoom: neverRoom,
  });

/** Resolves with the last end that the child vouched for, after at least `groups` of them and its death. */
async function appendAndDie(
  child: ChildProcess,
  groups: number,
  meanwhile: () => Promise<void>,
): Promise<number> {
  assert.ok(child.stdout);
  const exit = once(child, 'exit');
  let synced = 0;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    synced = Number.parseInt(line, 10);
    seen += 1;
    if (seen === groups / 2) await meanwhile();
    if (seen === groups) child.kill('SIGKILL');
  }
  const [, signal] = await exit;
  assert.equal(signal, 'SIGKILL');
  return synced;
}

test('what a killed process vouched for is there, and its lock is not', async (t) => {
  const directory = await mkdtemp(`${tmpdir()}/log-sigkill-`);
  t.after(() => rm(directory, { recursive: true }));
  let uid: string | null = null;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = spawn(process.execPath, [PROGRAM, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    const synced = await appendAndDie(child, GROUPS_BEFORE_KILL, () =>
      assert.rejects(open(directory), { message: new RegExp(`in use by pid ${child.pid} on `) }),
    );
    const { log, recovered } = await open(directory);
    assert.equal(recovered.quarantine, null);
    uid ??= log.uid;
    assert.equal(log.uid, uid);
    assert.ok(log.end >= synced, `${log.end} of ${synced} records that were synced`);
    await assertNumbered(log);
    await log.close();
  }
});

async function assertNumbered(log: OpenedLog['log']): Promise<void> {
  for (let offset = 0; offset < log.end; ) {
    for (const record of recordsOf(await log.read(offset, { maxBytes: 2 ** 20, below: log.end }), offset)) {
      assert.equal(record.offset, offset);
      assert.equal(record.value.toString().trim(), `${offset}`);
      offset += 1;
    }
  }
}
