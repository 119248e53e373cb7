// What befalls the files of a data directory: bytes, and names. Done to a copy in memory, which is written to a disk then.
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { batchesOf } from '../../../../src/log/index.ts';
import { withCrc, withoutCrc } from '../../../../src/log/small-file.ts';
import {
  type ByteDamage,
  byteDamage,
  damageBytes,
  damageJson,
  type JsonDamage,
  jsonDamage,
} from '../../mutate.ts';

/** What stands under a path: bytes, bytes with zeros behind them that take no room, a directory, or a file nobody may read. */
export type Node =
  | { readonly kind: 'file'; readonly bytes: Buffer; readonly sizeBytes?: number }
  | { readonly kind: 'directory' | 'unreadable' };

type File = { readonly file: number };
export type FileDamage =
  | (File & { readonly kind: 'bytes'; readonly damages: readonly ByteDamage[] })
  | (File & { readonly kind: 'remove' | 'directory' | 'unreadable' })
  | (File & { readonly kind: 'swap' | 'copy'; readonly other: number })
  | (File & { readonly kind: 'rename' | 'add'; readonly name: string })
  | (File & { readonly kind: 'grow'; readonly bytes: number })
  | (File & { readonly kind: 'page'; readonly page: number; readonly pageBytes: number })
  | (File & { readonly kind: 'batch'; readonly how: BatchDamage; readonly at: number; readonly to: number })
  /** Damage under a CRC that is right: no disk does that, but another program or version may. */
  | (File & {
      readonly kind: 'forge';
      readonly damages: readonly ByteDamage[];
      readonly json: readonly JsonDamage[];
    });

type BatchDamage = 'repeat' | 'remove' | 'swap' | 'append';

const file = fc.nat({ max: 99 });
const names = fc.constantFrom(
  'log/99999999999999999999.log',
  'log/00009007199254740992.log',
  'log/00000000000000000001.log',
  'log/00000000000000000130.log',
  'log/00000000000000000130.index',
  'log/00000000000000000000.producers',
  'log/0.log',
  'log/-0000000000000000001.log',
  'log/leader-epoch-checkpoint.tmp',
  'log/reset',
  'log/x',
  'state.tmp',
  'quarantine-x',
  'lost+found',
);

export const fileDamage: fc.Arbitrary<FileDamage> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('bytes'),
      file,
      damages: fc.array(byteDamage, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('remove', 'directory', 'unreadable'), file }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('swap', 'copy'), file, other: file }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('rename', 'add'), file, name: names }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('grow'),
      file,
      bytes: fc.constantFrom(1, 61, 4096, 3_000_000, 2 ** 33),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('page'),
      file,
      page: fc.nat({ max: 40 }),
      pageBytes: fc.constantFrom(512, 4096),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('batch'),
      file,
      how: fc.constantFrom<BatchDamage>('repeat', 'remove', 'swap', 'append'),
      at: fc.nat({ max: 99 }),
      to: fc.nat({ max: 99 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('forge'),
      file,
      damages: fc.array(byteDamage, { minLength: 1, maxLength: 2 }),
      json: fc.array(jsonDamage, { minLength: 1, maxLength: 2 }),
    }),
  },
);

export type Tree = Map<string, Node>;

export function treeOf(files: ReadonlyMap<string, Buffer>): Tree {
  return new Map([...files].map(([path, bytes]) => [path, { kind: 'file', bytes }]));
}

export function damageTree(tree: Tree, damage: FileDamage): void {
  const paths = [...tree.keys()];
  const path = paths[damage.file % paths.length];
  if (path === undefined) return;
  const node = tree.get(path) as Node;
  const bytes = node.kind === 'file' ? node.bytes : Buffer.alloc(0);
  const put = (to: string, content: Buffer): void => void tree.set(to, { kind: 'file', bytes: content });
  switch (damage.kind) {
    case 'remove':
      tree.delete(path);
      break;
    case 'directory':
    case 'unreadable':
      tree.set(path, { kind: damage.kind });
      break;
    case 'swap':
    case 'copy': {
      const other = paths[damage.other % paths.length] as string;
      if (damage.kind === 'swap') tree.set(path, tree.get(other) as Node);
      tree.set(other, node);
      break;
    }
    case 'rename':
      tree.delete(path);
      tree.set(damage.name, node);
      break;
    case 'add':
      put(damage.name, bytes);
      break;
    case 'grow':
      tree.set(path, { kind: 'file', bytes, sizeBytes: bytes.length + limited(path, damage.bytes) });
      break;
    default:
      put(path, damageContent(path, bytes, damage));
  }
}

/** A segment of gigabytes is no damage but a task: only files that are read whole grow that much. */
const limited = (path: string, bytes: number): number =>
  path.endsWith('.log') ? Math.min(bytes, 3_000_000) : bytes;

function damageContent(
  path: string,
  bytes: Buffer,
  damage: Extract<FileDamage, { kind: 'bytes' | 'page' | 'batch' | 'forge' }>,
): Buffer {
  if (damage.kind === 'bytes') return damageBytes(bytes, damage.damages);
  if (damage.kind === 'batch') return damageBatches(bytes, damage);
  if (damage.kind === 'forge') return forge(path, bytes, damage);
  const pages = Math.ceil(bytes.length / damage.pageBytes) || 1;
  const from = (damage.page % pages) * damage.pageBytes;
  return Buffer.from(bytes).fill(
    0,
    Math.min(from, bytes.length),
    Math.min(bytes.length, from + damage.pageBytes),
  );
}

function damageBatches(bytes: Buffer, { how, at, to }: Extract<FileDamage, { kind: 'batch' }>): Buffer {
  let batches: Buffer[];
  try {
    batches = [...batchesOf(bytes)].map((batch) => batch.bytes);
  } catch {
    return bytes; // no segment, or damaged already
  }
  if (batches.length === 0) return bytes;
  const [one, other] = [at % batches.length, to % batches.length];
  const [batch, second] = [batches[one] as Buffer, batches[other] as Buffer];
  if (how === 'remove') batches.splice(one, 1);
  else if (how === 'repeat') batches.splice(one, 0, batch);
  else if (how === 'append') batches.push(batch);
  else {
    batches[one] = second;
    batches[other] = batch;
  }
  return Buffer.concat(batches);
}

const SLOT_DISTANCE_BYTES = 4096;
const SLOT_SIZE_BYTES = 60;

function forge(
  path: string,
  bytes: Buffer,
  { damages, json }: Extract<FileDamage, { kind: 'forge' }>,
): Buffer {
  if (path === 'state') return forgeState(bytes, json);
  if (path.endsWith('/recovery-mark')) {
    const forged = Buffer.from(bytes);
    for (const at of [0, SLOT_DISTANCE_BYTES]) {
      // Two parts with a CRC each, the second of all before it.
      const slot = bytes.subarray(at, at + SLOT_SIZE_BYTES);
      const fields = damageBytes(Buffer.concat([slot.subarray(0, 44), slot.subarray(48, 56)]), damages);
      const first = withCrc(fields.subarray(0, 44));
      withCrc(Buffer.concat([first, fields.subarray(44)])).copy(forged, at, 0, SLOT_SIZE_BYTES);
    }
    return forged;
  }
  const body = withoutCrc(bytes);
  return body === null ? damageBytes(bytes, damages) : withCrc(damageBytes(body, damages));
}

function forgeState(bytes: Buffer, damages: readonly JsonDamage[]): Buffer {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8').split('\n', 1)[0] ?? '');
  } catch {
    return bytes; // damaged already
  }
  const text = JSON.stringify(damageJson(value, damages)) ?? '';
  const copy = Buffer.alloc(Math.max(bytes.length / 2, text.length + 20), '\n');
  copy.write(`${text}\n${crc32c(text)}\n`);
  return Buffer.concat([copy, copy]);
}

/** Whether a path's bytes may now say something that was never written, under a right CRC. */
export const isForgery = ({ kind }: FileDamage): boolean => kind === 'forge';
