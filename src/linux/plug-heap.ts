// What malloc has free between what it has given out is scattered over the heap, and each of a forked child's small
// allocations there would cost it a page of its own. Taken up before the fork, they all come from the end of the heap.
import { bindLibc } from './libc.js';

/** Larger holes are few, and hold whole pages. */
const largestHole = 2056;
/** malloc's sizes are multiples of 16, less a word. */
const smallestHole = 24;
const sizeStep = 16;
/** A heap of a few MB has a thousand holes; a hundred times that. */
const maxHoles = 100_000;

const malloc = bindLibc('size_t malloc(size_t size)');
const sbrk = bindLibc('size_t sbrk(long increment)');

/** For a process that lives to fork: the memory is never given back. */
export function plugHeap(): void {
  const end = sbrk(0);
  let left = maxHoles;
  for (let size = largestHole; size >= smallestHole; size -= sizeStep) {
    while (left-- > 0 && malloc(size) < end);
  }
}
