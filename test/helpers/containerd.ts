// The real containerd of this machine's package as a private daemon: what Berth is compared with.
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Subject } from './daemon.js';

/** What containerd 1.6 and its shim make outside the directories they are given, deepest first. */
const strayDirectories = ['/run/containerd/s', '/run/containerd/fifo', '/run/containerd/runc', '/run/containerd'];

const strays = strayDirectories.filter((path) => !existsSync(path));

export function containerdSubject(daemon: {
  readonly root: string;
  readonly state: string;
  readonly socket: string;
  readonly namespace: string;
  path(...names: string[]): string;
}): Subject {
  process.once('exit', () => removeStrays(daemon.namespace));
  return {
    command: ['containerd', '--config', daemon.path('config.toml')],
    config: `version = 2
root = "${daemon.root}"
state = "${daemon.state}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${daemon.socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "${daemon.path('opt')}"
`,
    // It leaves bundles of tasks that it could not create.
    taskDirectories: [],
  };
}

/** Only those that are empty. */
function removeStrays(namespace: string): void {
  const runc = '/run/containerd/runc';
  const own = existsSync(runc) ? readdirSync(runc).filter((name) => name.startsWith(namespace)) : [];
  for (const path of [...own.map((name) => join(runc, name)), ...strays]) {
    try {
      rmdirSync(path);
    } catch {
      // Somebody uses it.
    }
  }
}
