// Newer containerds than this machine's: they run containers with Berth's shim, and Berth runs containers with theirs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { statusOf } from '../helpers/containers.js';
import type { TestDaemon } from '../helpers/daemon.js';
import { newerClient, newerCtr, newerReleases } from '../helpers/newer-clients.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { berthRuntime, useContainerd } from '../helpers/use-containerd.js';

const berthd = useBerthd();

for (const release of newerReleases) {
  const containerd = useContainerd([newerClient(release, 'bin')]);
  const kinds: readonly [string, () => TestDaemon, string][] = [
    [`the containerd of ${release} runs containers with Berth's shim`, containerd, berthRuntime],
    [`Berth runs containers with the shim of ${release}`, berthd, newerClient(release, 'bin/containerd-shim-runc-v2')],
  ];
  for (const [title, daemon, runtime] of kinds) {
    test(`${title}, and they outlive a restart`, async () => {
      const { ctr, succeed } = newerCtr(release, daemon);
      const rootfs = ['--runtime', runtime, '--rootfs', daemon().rootfs];
      const once = await ctr('run', '--rm', ...rootfs, 'once', '/bin/sh', '-c', 'echo out; echo err >&2; exit 7');
      assert.deepEqual([once.stdout, once.stderr, once.code], ['out\n', 'err\n', 7]);
      await succeed(
        'run',
        '-d',
        ...rootfs,
        'stays',
        '/bin/sh',
        '-c',
        'trap "exit 21" TERM; while :; do sleep 0.05; done',
      );
      await daemon().restart('SIGKILL');
      const exec = await ctr('tasks', 'exec', '--exec-id', 'e1', 'stays', '/bin/sh', '-c', 'echo in; exit 4');
      assert.deepEqual([exec.stdout, exec.code], ['in\n', 4], exec.stderr);
      assert.match(await succeed('tasks', 'metrics', 'stays'), /^memory\.\w+ +\d+ *$/m);
      await succeed('tasks', 'pause', 'stays');
      assert.equal(await statusOf(daemon(), 'stays'), Status.PAUSED);
      await succeed('tasks', 'resume', 'stays');
      await succeed('tasks', 'kill', 'stays');
      const { exitStatus } = await daemon().call(TasksService.wait, { containerId: 'stays', execId: '' });
      assert.equal(exitStatus, 21);
      await succeed('tasks', 'rm', 'stays');
      await succeed('containers', 'rm', 'stays');
    });
  }
}
