// Which ways of launching a shim the configuration asks for.
import { join } from 'node:path';
import type { Log } from '../base/log.js';
import { LaunchLadder, type Rung } from '../shims/launch-ladder.js';
import type { LaunchCounts } from '../shims/launch-counts.js';
import type { ShimLauncher } from '../shims/launcher.js';
import { SpawnLauncher } from '../shims/spawn-launcher.js';
import { ZygoteLauncher } from '../shims/zygote-launcher.js';
import type { OrphanReaper } from '../supervisor/orphan-reaper.js';
import { shimMain, zygoteMain } from './build.js';
import type { Configuration } from './configuration.js';

export interface ShimLaunching {
  readonly launcher: ShimLauncher;
  counts(): LaunchCounts;
  /** Starts the zygote, where one is asked for and no launch has yet. */
  prepare(): void;
  /** Shims that run live on. */
  close(): Promise<void>;
}

export function shimLaunching(
  mode: Configuration['shimLaunch'],
  { log, orphans, state }: { readonly log: Log; readonly orphans: OrphanReaper; readonly state: string },
): ShimLaunching {
  const spawn: Rung = { name: 'spawn', launcher: new SpawnLauncher(shimMain, orphans.leaveToLibuv) };
  if (mode === 'spawn') {
    const launcher = new LaunchLadder([spawn], log);
    return {
      launcher,
      counts: () => ({ rungs: launcher.counts, zygote: undefined }),
      prepare: () => undefined,
      close: () => Promise.resolve(),
    };
  }
  const zygote = new ZygoteLauncher({
    main: zygoteMain,
    directory: join(state, 'zygote'),
    environment: process.env,
    log,
    onSpawn: orphans.leaveToLibuv,
    onOrphanEnded: (pid, status) => orphans.record(pid, status),
  });
  const rungs: Rung[] = [{ name: 'zygote', launcher: zygote }];
  if (mode === 'auto') rungs.push(spawn);
  const launcher = new LaunchLadder(rungs, log);
  return {
    launcher,
    counts: () => ({ rungs: launcher.counts, zygote: zygote.counts }),
    prepare: () => zygote.start(),
    close: () => zygote.close(),
  };
}
