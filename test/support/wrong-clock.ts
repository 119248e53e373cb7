// Preloaded into each thread of a logger (`--import`): its time of day is wrong by as many milliseconds as the file says that has
// its id for a name, in the folder TEST_CLOCKS. Without the file it is right.
import { readFileSync } from 'node:fs';

const LOOK_MS = 50;
const file = `${process.env.TEST_CLOCKS}/${process.env.DLOG_ID}`;
const rightNow = Date.now;
let wrongMs = 0;
let lookedMs = 0;

Date.now = () => {
  const nowMs = rightNow();
  if (Math.abs(nowMs - lookedMs) > LOOK_MS) {
    lookedMs = nowMs;
    wrongMs = read();
  }
  return nowMs + wrongMs;
};

function read(): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
