// Who says how many loggers there are: Helm, or `kubectl scale` behind its back. Helm 3 sets the number of its values again. Helm 4
// applies on the API server, which keeps what kubectl has set, and refuses the upgrade unless the numbers are the same. The suite
// takes whichever Helm is on PATH.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, run } from '../support/cluster.ts';
import { assertExactlyOnce } from '../support/kube-numbers.ts';
import { RECOVERY_MS, type Row, Stack } from '../support/kube-stack.ts';

const CONFLICT = /conflict with "kubectl" with subresource "scale".*\.spec\.replicas/;

describe('the number of loggers, by Helm and by kubectl scale', () => {
  let stack: Stack;
  let appliesOnServer = false;
  before(async () => {
    const version = await run('helm', ['version', '--template', '{{.Version}}']);
    console.log(`helm ${version}`);
    appliesOnServer = !version.startsWith('v3.');
    stack = await Stack.install();
  });
  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  const scaled = (replicas: number): Promise<string> =>
    stack.namespace.kubectl(['scale', stack.loggerSet, `--replicas=${replicas}`]);
  const wanted = async (): Promise<number> =>
    Number(await stack.namespace.kubectl(['get', stack.loggerSet, '--output=jsonpath={.spec.replicas}']));
  const membersAre = (count: number): Promise<boolean> =>
    eventually(`there are ${count} members`, RECOVERY_MS, async () => {
      const leader = await stack.agreedLeader();
      assert.equal((await stack.status(leader.name)).members.length, count);
      return true;
    });

  test('Helm scales, as often as it likes', async () => {
    for (const replicas of [5, 3]) {
      await stack.upgrade(['--set', `logger.replicas=${replicas}`]);
      await membersAre(replicas);
    }
  });

  test('an upgrade with the number that kubectl has set goes through', async () => {
    await scaled(5);
    await stack.upgrade(['--set', 'logger.replicas=5']);
    await membersAre(5);
  });

  test('an upgrade with another number sets it again, which Helm 4 must be told once', async () => {
    const upgrade = ['--set', 'logger.replicas=3'];
    if (appliesOnServer) {
      await assert.rejects(stack.upgrade(upgrade), CONFLICT);
      assert.equal(await wanted(), 5);
      await stack.upgrade([...upgrade, '--force-conflicts']);
    } else await stack.upgrade(upgrade);
    await membersAre(3);
    // The number is Helm's again.
    await stack.upgrade(['--set', 'logger.replicas=4']);
    await stack.upgrade(upgrade);
    await membersAre(3);
  });

  test('all off and on again by kubectl is nothing to Helm, and the log goes on', async () => {
    await scaled(0);
    await eventually('no logger is left', RECOVERY_MS, async () =>
      (await stack.loggers()).length === 0 ? true : undefined,
    );
    await scaled(1);
    await scaled(3);
    await stack.upgrade(['--set', 'logger.printRate=50']);
    assert.equal(await wanted(), 3);
    await membersAre(3);
    const logs = new Map<string, readonly Row[]>();
    for (const { name } of await stack.loggers()) logs.set(name, await stack.log(name));
    assert.ok(assertExactlyOnce(logs) > 20);
  });
});
