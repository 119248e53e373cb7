// How V8 counts the memory of buffers. By itself it starts a full collection of the heap whenever buffers of about the size of
// the heap's own growth step have been made, some ten megabytes: at 40 MB/s of records that is several a second, each of 20
// to 100 ms on two busy cores, which took half of what a logger did. Counted as part of the whole heap's limit, which grows with
// what is alive, buffers mostly die in the young generation, and full collections become rare. Measured in
// docs/internals/performance.md.
import { setFlagsFromString } from 'node:v8';

/** To be called once, first of all. */
export function countBuffersWithHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}
