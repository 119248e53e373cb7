// npm run screenshots [-- DIRECTORY]: takes the pictures of the documents (docs/how-to/images) from real loggers, or, with a
// directory, those and more states and sizes, to be looked at.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { testConsul } from '../support/consul.ts';
import { Loggers } from '../support/loggers.ts';
import { SteadyProducer } from '../support/steady-producer.ts';
import { openPage, startBrowser } from './browser.ts';

const WARM_MS = 45_000;
const SETTLE_MS = 3500;
const [given] = process.argv.slice(2);
const directory = given ?? fileURLToPath(new URL('../../docs/how-to/images/', import.meta.url));

const ends: (() => Promise<void>)[] = [];
const owner = { after: (end: () => Promise<void>) => void ends.push(end), diagnostic: console.error };

interface Shot {
  readonly name: string;
  readonly api: string;
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
}

async function take(browser: Browser, { name, api, width, height, dark = false }: Shot): Promise<void> {
  const { page } = await openPage(browser, api, {
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
  });
  await sleep(SETTLE_MS);
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: given !== undefined });
  await page.context().close();
}

try {
  await mkdir(directory, { recursive: true });
  const consul = await testConsul(owner);
  const loggers = await Loggers.start(owner, { consulUrls: consul.urls });
  SteadyProducer.start(owner, loggers.apis);
  const browser = await startBrowser(owner);
  await sleep(WARM_MS / 2);
  const first = await loggers.inSync();
  await first.kill();
  first.start();
  await sleep(WARM_MS / 2);
  const leader = await loggers.inSync();
  const wide = { api: leader.api, width: 1280, height: 860 };
  await take(browser, { ...wide, name: 'status-page' });
  await take(browser, { ...wide, name: 'status-page-dark', dark: true });
  if (given !== undefined) {
    await take(browser, { ...wide, name: 'widest', width: 1600 });
    await take(browser, { ...wide, name: 'narrow', width: 360, height: 780 });
    await take(browser, { ...wide, name: 'narrow-dark', width: 360, height: 780, dark: true });
    const [away, follower] = loggers.others(leader);
    await take(browser, { ...wide, name: 'follower', api: follower!.api });
    await away!.kill();
    await take(browser, { ...wide, name: 'logger-away' });
    await leader.kill();
    await take(browser, { ...wide, name: 'no-leader', api: follower!.api });
  }
} finally {
  for (const end of ends.reverse()) await end();
}
process.exit();
