// The status page in a real Chromium over real loggers and a real Consul, as an operator uses it: through a failover, a
// planned transfer, by keyboard alone, and looked over by axe.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { Producer } from '../../src/client/index.ts';
import { sharedConsul } from '../support/consul.ts';
import { damageFirstSegment } from '../support/damaged-log.ts';
import { eventually } from '../support/eventually.ts';
import { Loggers } from '../support/loggers.ts';
import { SteadyProducer } from '../support/steady-producer.ts';
import { assertAccessible, openPage, startBrowser } from './browser.ts';

const CALM = 30;
const READER = 'reader'.padEnd(32, 'x');
const WRITER = 'writer'.padEnd(32, 'x');
const OPERATOR = 'operator'.padEnd(32, 'x');

describe('the status page', () => {
  const consul = sharedConsul();
  const ends: (() => Promise<void>)[] = [];
  let browser: Browser;
  before(async () => {
    browser = await startBrowser({ after: (end) => void ends.push(end) });
  });
  after(async () => {
    for (const end of ends) await end();
  });

  it('shows the new leader after a failover, and the tail goes on', async (t) => {
    const loggers = await Loggers.start(t, { consulUrls: consul().urls });
    const producer = SteadyProducer.start(t, loggers.apis);
    await producer.more(CALM);
    const old = await loggers.inSync();
    const [survivor] = loggers.others(old);
    const { page, errors } = await openPage(browser, survivor!.api);
    t.after(() => page.context().close());
    const fact = (name: string) => page.locator('#facts div', { hasText: name }).locator('dd');
    const lastOffset = async (): Promise<number> =>
      Number(await page.locator('#tail tbody tr:last-child td').first().textContent());
    await page.locator('#tail tbody tr').first().waitFor();
    assert.match((await fact('Leader').textContent()) ?? '', new RegExp(`^${old.id}$`));
    assert.match((await page.locator('#notice').textContent()) ?? '', new RegExp(`follows ${old.id}`));

    await old.kill();
    const leader = await loggers.inSync(loggers.all.map(({ id }) => id));
    await eventually('the page shows the new leader', async () =>
      (await fact('Leader').textContent()) === leader.id ? true : null,
    );
    const row = page.locator('#members tbody tr', { hasText: leader.id });
    await eventually('its row says so', async () => /★ leader/.test((await row.textContent()) ?? ''));
    await eventually('the history begins with it', async () =>
      ((await page.locator('#history tbody tr').first().textContent()) ?? '').includes(leader.id),
    );
    const { acks } = producer;
    const wanted = acks.at(-1)!.offset + CALM;
    await eventually('the tail goes on', async () => (await lastOffset()) >= wanted);
    const offsets = await page
      .locator('#tail tbody tr td:first-child')
      .evaluateAll((cells) => cells.map((cell) => Number(cell.textContent)));
    assert.ok(offsets.length <= 300, 'the page keeps a bounded number of rows');
    for (const [at, offset] of offsets.entries())
      assert.equal(offset, offsets[0]! + at, 'without holes or repeats over the failover');
    assert.deepEqual(errors, []);
  });

  it('says in plain words that the logger is away, and comes back by itself', async (t) => {
    const loggers = await Loggers.start(t, { consulUrls: consul().urls });
    const [logger] = loggers.others(await loggers.inSync());
    const { page, errors } = await openPage(browser, logger!.api);
    t.after(() => page.context().close());
    const badge = page.locator('#role');
    const colours = (): Promise<string[]> =>
      page.evaluate(
        '[...document.querySelectorAll(".good, .leads")].map((node) => getComputedStyle(node).color)',
      );
    await page.locator('#notice.good').waitFor();
    assert.equal(await badge.textContent(), 'follower');
    const well = new Set(await colours());
    await logger!.kill();
    await page.getByText('This logger does not answer.').waitFor();
    assert.equal(await badge.textContent(), '⚠ away');
    assert.match(await page.title(), /: away/);
    const old = await colours();
    assert.ok(old.length > 0);
    assert.deepEqual(
      old.filter((colour) => well.has(colour)),
      [],
      'nothing of before looks well',
    );
    logger!.start();
    await page.locator('#notice.good').waitFor();
    assert.equal(await badge.textContent(), 'follower');
    assert.deepEqual(errors, []);
  });

  it('says on a follower’s page too that a member is away', async (t) => {
    const loggers = await Loggers.start(t, { consulUrls: consul().urls });
    const [one, other] = loggers.others(await loggers.inSync());
    const { page } = await openPage(browser, one!.api);
    t.after(() => page.context().close());
    await page.locator('#notice.good').waitFor();
    await other!.kill();
    await page.getByText(`${other!.id} is not connected to ${one!.id}.`).waitFor();
    assert.match((await page.locator('#notice').getAttribute('class')) ?? '', /warn/);
  });

  it('says that the log of its logger is damaged', async (t) => {
    const environment = { DLOG_SEGMENT_SIZE_BYTES: String(1024 * 1024) };
    const loggers = await Loggers.start(t, { consulUrls: consul().urls, environment });
    const leader = await loggers.inSync();
    const producer = new Producer({ target: loggers.apis });
    for (let count = 0; count < 8; count += 1) await producer.send(`${count} `.padEnd(300_000, '.'));
    await producer.close();
    const damaged = loggers.others(leader)[0]!;
    await damaged.terminate();
    await damageFirstSegment(damaged.dataDir, 1000);
    damaged.start();
    await loggers.inSync();
    assert.equal((await fetch(`${damaged.api}/api/v1/log?offset=0&limit=1`)).status, 500);
    const { page, errors } = await openPage(browser, damaged.api);
    t.after(() => page.context().close());
    await page.getByText(`The log of ${damaged.id} is damaged`).waitFor();
    assert.match((await page.locator('#notice').getAttribute('class')) ?? '', /bad/);
    await page.locator('#facts div', { hasText: '⚠ damaged' }).waitFor();
    assert.deepEqual(errors, []);
  });

  it('changes what its own pages ask for, and nothing that a page of another site sends', async (t) => {
    const loggers = await Loggers.start(t, { consulUrls: consul().urls, count: 1 });
    const { api } = await loggers.inSync();
    const stranger = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<title>elsewhere</title><form></form>');
    }).listen(0, '127.0.0.1');
    t.after(() => new Promise<void>((closed) => void stranger.close(() => closed())));
    await once(stranger, 'listening');
    const page = await browser.newPage();
    t.after(() => page.close());
    const send = (mode: string): Promise<number> =>
      page.evaluate(
        `fetch('${api}/api/v1/log', { method: 'POST', mode: '${mode}', body: 'x' }).then((answer) => answer.status)`,
      );
    const elsewhere = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}/`;
    await page.goto(elsewhere);
    // Opaque, so that the page learns nothing; but it was sent.
    assert.equal(await send('no-cors'), 0);
    await page.evaluate(
      `Object.assign(document.forms[0], { action: '${api}/api/v1/register/rebuild', method: 'POST' }).submit()`,
    );
    await page.getByText('cross-site').waitFor();
    const stored = async () => (await loggers.all[0]!.status())?.offsets.end;
    assert.equal(await stored(), 0);
    for (const path of ['/', '/docs']) {
      await page.goto(api + path);
      assert.equal(await send('cors'), 200, path);
    }
    assert.equal(await stored(), 2);
  });

  it('says that there is no leader', async (t) => {
    const loggers = await Loggers.start(t, { consulUrls: consul().urls });
    const [last, ...rest] = loggers.all;
    const { page } = await openPage(browser, last!.api);
    t.after(() => page.context().close());
    await Promise.all(rest.map((logger) => logger.kill()));
    await page.getByText('There is no leader: nothing can be appended').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Transfer leadership' }).isDisabled(), true);
  });

  it('hands leadership over, by keyboard alone, after a question', async (t) => {
    const loggers = await Loggers.start(t, { consulUrls: consul().urls });
    const leader = await loggers.inSync();
    const [target] = loggers.others(leader);
    const { page, errors } = await openPage(browser, leader.api);
    t.after(() => page.context().close());
    const focused = (): Promise<string> => page.evaluate('document.activeElement.id');
    const tabTo = async (id: string): Promise<void> => {
      for (let presses = 0; presses < 40; presses += 1) {
        if ((await focused()) === id) return;
        await page.keyboard.press('Tab');
      }
      assert.fail(`${id} cannot be reached by the Tab key`);
    };
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.className'), 'skip');
    await tabTo('transfer-open');
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    assert.equal(outline, 'solid', 'the focus is visible');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Transfer leadership' }).waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await focused(), 'transfer-open', 'the focus is back where it was');
    assert.equal((await leader.status())?.role, 'leader', 'nothing happened');
    await page.keyboard.press('Enter');
    await tabTo('transfer-to');
    await page.keyboard.type(target!.id);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const next = await eventually('another leads', async () => {
      const status = await target!.status();
      return status?.role === 'leader' ? status : null;
    });
    assert.equal(next.id, target!.id);
    await page.getByText(`Leadership is handed over on the page of ${target!.id}.`).waitFor();
    const link = page.getByRole('link', { name: 'Open the leader’s page' });
    assert.equal(await link.getAttribute('href'), `${target!.api}/`);
    assert.deepEqual(errors, []);
  });

  it('the tail is paused, filtered and sent to an offset', async (t) => {
    const loggers = await Loggers.start(t, { consulUrls: consul().urls, count: 1 });
    const producer = SteadyProducer.start(t, loggers.apis);
    await producer.more(CALM * 10);
    const { page, errors } = await openPage(browser, loggers.apis[0]!);
    t.after(() => page.context().close());
    const rows = page.locator('#tail tbody tr');
    await rows.first().waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused at offset').waitFor();
    const held = await rows.last().textContent();
    await producer.more(CALM);
    assert.equal(await rows.last().textContent(), held, 'nothing moves while paused');
    await page.getByRole('button', { name: 'Pause' }).click();
    await eventually('it goes on', async () => (await rows.last().textContent()) !== held);
    await producer.stop();

    await page.getByLabel('Filter').fill('MESSAGE: 7');
    await page.getByLabel('Offset').fill('0');
    await page.getByRole('button', { name: 'Go' }).click();
    await eventually('what matches is shown from the beginning on', async () =>
      ((await rows.first().textContent()) ?? '').endsWith('Message: 7'),
    );
    const shown = await rows.locator('td:last-child').allTextContents();
    const numbers = producer.acks.map(({ number }) => String(number)).filter((text) => text.startsWith('7'));
    await eventually('and all of it', async () => (await rows.count()) === numbers.length);
    assert.ok(shown.every((text) => text.startsWith('Message: 7')));
    assert.equal(await page.locator('#tail mark').first().textContent(), 'Message: 7');
    assert.deepEqual(errors, []);
  });

  it('asks for a token on 401, keeps it in the tab, and sends it with the status and the live tail', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-page-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    await writeFile(join(directory, 'read'), `${READER}\n${OPERATOR}\n`);
    await writeFile(join(directory, 'operate'), OPERATOR);
    await writeFile(join(directory, 'produce'), WRITER);
    const loggers = await Loggers.make(t, {
      consulUrls: consul().urls,
      count: 1,
      environment: { DLOG_API_TOKENS_DIR: directory },
    });
    const [logger] = loggers.all;
    logger!.start();
    const producer = new Producer({ target: loggers.apis, token: WRITER });
    t.after(() => producer.close());
    await producer.send('before the token');
    const { page, errors } = await openPage(browser, logger!.api, {}, '#token[open]');
    t.after(() => page.context().close());
    const tails: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/api/v1/log?')) tails.push(request.headers().authorization ?? '');
    });
    const enter = async (text: string): Promise<void> => {
      await page.getByLabel('Token', { exact: true }).fill(text);
      await page.keyboard.press('Enter');
    };
    await page.getByText('The API asks for a token.').first().waitFor();
    assert.equal(await page.locator('#members tbody tr').count(), 0, 'nothing is told without one');
    await assertAccessible(page);
    await enter('no-token-of-anybody');
    await page.getByText('The API does not take this token.').waitFor();
    await enter(READER);
    await page.locator('#notice.good').waitFor();
    await page.locator('#tail tbody tr', { hasText: 'before the token' }).waitFor();
    await producer.send('after the token');
    await page.locator('#tail tbody tr', { hasText: 'after the token' }).waitFor();
    assert.ok(tails.length > 0 && tails.every((sent) => sent === `Bearer ${READER}`), tails.join());
    assert.equal(await page.evaluate('Object.values(sessionStorage).join()'), READER);
    assert.equal(await page.evaluate('localStorage.length + document.cookie.length'), 0);
    assert.ok(!page.url().includes(READER), 'nor in the address');
    const other = await openPage(browser, logger!.api, {}, '#token[open]');
    await other.page.context().close();

    await page.getByRole('button', { name: 'Token' }).click();
    await page.getByRole('button', { name: 'Forget it' }).click();
    await page.getByText('The API asks for a token.').first().waitFor();
    assert.equal(await page.evaluate('sessionStorage.length'), 0);
    assert.deepEqual(errors, []);
  });

  for (const colorScheme of ['light', 'dark'] as const)
    it(`axe finds nothing serious, ${colorScheme}, wide and narrow`, async (t) => {
      const loggers = await Loggers.start(t, { consulUrls: consul().urls });
      const producer = SteadyProducer.start(t, loggers.apis);
      await producer.more(CALM);
      const leader = await loggers.inSync();
      for (const width of [360, 1600]) {
        const viewport = { width, height: 900 };
        const { page, errors } = await openPage(browser, leader.api, { colorScheme, viewport });
        await page.locator('#tail tbody tr').first().waitFor();
        await page.locator('.uplot').first().waitFor();
        await assertAccessible(page);
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        assert.ok(Number(overflow) <= 0, `at ${width} px nothing sticks out`);
        await page.getByRole('button', { name: 'Transfer leadership' }).click();
        await assertAccessible(page);
        assert.deepEqual(errors, []);
        await page.context().close();
      }
    });
});
