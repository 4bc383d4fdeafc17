// What launching a shim means, whichever way it is done: a process of its own session that serves BUNDLE/shim.sock.
import type { ContainerKey } from '../domain/ids.js';
import type { ShimIdentity } from './task-shim.js';

export interface ShimLaunch extends ContainerKey {
  readonly bundle: string;
  readonly debug: boolean;
}

export interface ShimLauncher {
  /** Resolves to who it is once the shim has said hello; `unavailable` with what its log says when it does not in time. */
  launch(request: ShimLaunch): Promise<ShimIdentity>;
}
