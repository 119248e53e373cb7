// Consul from Debian's bullseye, the last Debian release that packages it.
import { join } from 'node:path';
import type { BinarySource } from './consul-binary.ts';
import { unpackDebian } from './debian-package.ts';

const release = 'bullseye';

export const debianPackage: BinarySource = {
  name: `Debian's ${release} package`,
  label: release,
  fetch: async (directory) =>
    join(await unpackDebian({ release, name: 'consul' }, directory), 'usr/bin/consul'),
};
