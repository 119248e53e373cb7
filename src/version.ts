// The version that metrics, the API and the CLI report: that of package.json, which lies one folder above source and build alike.
import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export const VERSION = version;
