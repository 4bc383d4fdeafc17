// Which ways of launching a shim the configuration asks for.
import type { Log } from '../base/log.js';
import { LaunchLadder, type Rung } from '../shims/launch-ladder.js';
import type { ShimLauncher } from '../shims/launcher.js';
import { SpawnLauncher } from '../shims/spawn-launcher.js';
import { ZygoteLauncher } from '../shims/zygote-launcher.js';
import type { OrphanReaper } from '../supervisor/orphan-reaper.js';
import { shimMain, zygoteMain } from './build.js';
import type { Configuration } from './configuration.js';

export interface ShimLaunching {
  readonly launcher: ShimLauncher;
  /** Shims that run live on. */
  close(): Promise<void>;
}

/** Starts the zygote where one is asked for. */
export function startShimLaunching(
  mode: Configuration['shimLaunch'],
  { log, orphans }: { readonly log: Log; readonly orphans: OrphanReaper },
): ShimLaunching {
  const spawn = new SpawnLauncher(shimMain, orphans.leaveToLibuv);
  if (mode === 'spawn') return { launcher: spawn, close: () => Promise.resolve() };
  const zygote = new ZygoteLauncher({
    main: zygoteMain,
    environment: process.env,
    log,
    onSpawn: orphans.leaveToLibuv,
    onOrphanEnded: (pid, status) => orphans.record(pid, status),
  });
  zygote.start();
  const rungs: Rung[] = [{ name: 'zygote', launcher: zygote }];
  if (mode === 'auto') rungs.push({ name: 'spawn', launcher: spawn });
  return { launcher: new LaunchLadder(rungs, log), close: () => zygote.close() };
}
