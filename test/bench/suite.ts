// The benchmarks in the order in which they run.
import type { Benchmark } from './context.js';
import { ctrRun } from './ctr-run.js';
import { exec } from './exec.js';
import { exitEvent } from './exit-event.js';
import { imagePull } from './image-pull.js';
import { imageRun } from './image-run.js';
import { lifecycle } from './lifecycle.js';
import { memory } from './memory.js';
import { records } from './records.js';
import { restart } from './restart.js';
import { snapshots } from './snapshots.js';
import { stdout } from './stdout.js';

export const suite: readonly Benchmark[] = [
  ...[ctrRun, lifecycle, exec, exitEvent, memory, stdout, records, restart],
  ...[imagePull, imageRun, snapshots],
];
