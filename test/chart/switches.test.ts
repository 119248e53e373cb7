// Every value of the chart, one at a time: it changes the objects that it should and no others, and puts its line into them. A
// value without a row here, or a row without its value, fails.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { chartValues } from '../../scripts/chart-values.ts';
import { chartDirectory, renderText } from '../support/tools.ts';
import { merged, type Values } from '../support/values.ts';
import { type Context, SWITCHES } from './switches.ts';

const RELEASE = 'distributed-logger';

const nested = (path: string, value: unknown): Values =>
  path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Values;

async function contexts(): Promise<Readonly<Record<Context, Values>>> {
  const secure = parse(await readFile(`${chartDirectory}/values-secure.yaml`, 'utf8')) as Values;
  const monitoring = { enabled: true, rules: { enabled: true }, dashboard: { enabled: true } };
  return {
    plain: {},
    secure: merged(secure, { monitoring }),
    external: {
      consul: {
        enabled: false,
        externalUrls: ['https://consul:8501'],
        tls: { caSecret: { name: 'consul-ca' } },
      },
    },
  };
}

/** Each object as text, by kind and name without the release's full name. */
async function objects(values: Values): Promise<Map<string, string>> {
  const fullname = (values.fullnameOverride as string | undefined) ?? RELEASE;
  const found = new Map<string, string>();
  for (const document of (await renderText({ values })).split(/^---$/m)) {
    const kind = /^kind: (.*)$/m.exec(document)?.[1];
    const name = /^ {2}name: (.*)$/m.exec(document)?.[1];
    if (kind && name) found.set(`${kind}/${name.replace(fullname, '')}`, document);
  }
  return found;
}

function changed(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name)).sort();
}

/** Lines that no object had before, without their indent. */
function added(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...after].flatMap(([name, text]) => {
    const old = new Set((before.get(name) ?? '').split('\n').map((line) => line.trim()));
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => !old.has(line));
  });
}

describe('the values of the chart, one at a time', async () => {
  const known = await contexts();
  const bases = new Map<Context, Map<string, string>>();
  for (const context of Object.keys(known) as Context[]) bases.set(context, await objects(known[context]));

  for (const [path, { value, within = 'plain', along = {}, line, changes }] of Object.entries(SWITCHES))
    it(`${path}: ${JSON.stringify(value)}`, async () => {
      const before = bases.get(within) ?? new Map<string, string>();
      const after = await objects(merged(merged(known[within], along), nested(path, value)));
      const expected = changes === 'all' ? before.keys() : changes;
      assert.deepEqual(changed(before, after), [...expected].sort());
      if (line === null) return;
      const lines = added(before, after);
      assert.ok(
        lines.some((one) => (typeof line === 'string' ? one === line : line.test(one))),
        `no ${line} among ${lines.join('\n')}`,
      );
    });

  it('all have a row in switches.ts', async () => {
    const read = (file: string): Promise<string> => readFile(`${chartDirectory}/${file}`, 'utf8');
    const values = chartValues(await read('values.yaml'), await read('values.schema.json'));
    assert.deepEqual(Object.keys(SWITCHES).sort(), values.map(({ path }) => path).sort());
  });

  it('differ from the defaults in their rows', async () => {
    const defaults = parse(await readFile(`${chartDirectory}/values.yaml`, 'utf8')) as Values;
    for (const [path, { value, within = 'plain' }] of Object.entries(SWITCHES)) {
      const base = merged(defaults, known[within]);
      const before = path.split('.').reduce<unknown>((at, name) => (at as Values)[name], base);
      assert.notDeepEqual(value, before, path);
    }
  });
});
