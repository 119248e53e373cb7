import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';
import { readZipEntry } from '../../../src/stack/consul-zip.ts';

/** A zip archive as common tools write it: local headers with data, the directory, the end record. */
function zip(files: Record<string, string>, { deflate = true, comment = '' } = {}): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const data = Buffer.from(text);
    const packed = deflate ? deflateRawSync(data) : data;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(deflate ? 8 : 0, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, Buffer.from(name)]),
    );
    locals.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(entries.length, 8);
  end.writeUInt32LE(offset, 12);
  end.writeUInt16LE(comment.length, 16);
  return Buffer.concat([...locals, entries, Buffer.from('PK\x05\x06'), end, Buffer.from(comment)]);
}

describe('readZipEntry', () => {
  it('finds a file among others, deflated or stored, with a comment behind', async () => {
    const files = { 'LICENSE.txt': 'a licence', consul: 'the program '.repeat(1000) };
    for (const options of [{}, { deflate: false }, { comment: 'PK and more' }]) {
      assert.equal(String(await readZipEntry(zip(files, options), 'consul')), files.consul);
    }
  });

  it('refuses what is no archive, lacks the file, or was cut', async () => {
    await assert.rejects(readZipEntry(Buffer.from('no zip'), 'consul'), /no zip archive/);
    await assert.rejects(readZipEntry(Buffer.alloc(0), 'consul'), /no zip archive/);
    await assert.rejects(readZipEntry(zip({ other: 'x' }), 'consul'), /has no consul/);
    const damaged = zip({ consul: 'the program '.repeat(1000) });
    damaged.fill(0xff, 36, 60);
    await assert.rejects(readZipEntry(damaged, 'consul'));
  });
});
