// Containers whose shim is containerd's own, the Go program of Debian's package.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventsService } from '../../src/generated/berth/v1/events.js';
import { ExitsService } from '../../src/generated/berth/v1/exits.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import type { TestDaemon } from './daemon.js';

export const goShim = '/usr/bin/containerd-shim-runc-v2';

/** Runs until SIGTERM, and ends with 21 then. */
export const untilTerm = ['/bin/sh', '-c', 'trap "exit 21" TERM; while :; do sleep 0.05; done'];

export async function runForeign(daemon: TestDaemon, id: string, ...command: string[]): Promise<void> {
  await runForeignWith(daemon, [], id, ...command);
}

export async function runForeignWith(
  daemon: TestDaemon,
  options: readonly string[],
  id: string,
  ...command: string[]
): Promise<void> {
  const args = ['run', '-d', '--runtime', goShim, ...options, '--rootfs', daemon.rootfs, id, ...command];
  const { stderr, code } = await daemon.ctr(args);
  assert.equal(code, 0, stderr);
}

export async function waitFor(daemon: TestDaemon, containerId: string, execId = ''): Promise<number> {
  return (await daemon.call(TasksService.wait, { containerId, execId })).exitStatus;
}

export async function kill(daemon: TestDaemon, id: string, signal: string, ...options: string[]): Promise<void> {
  const { stderr, code } = await daemon.ctr(['tasks', 'kill', '-s', signal, ...options, id]);
  assert.equal(code, 0, stderr);
}

/** A task that has ended, and its container. `ctr` warns of a status that is not 0. */
export async function remove(daemon: TestDaemon, id: string): Promise<void> {
  for (const what of ['tasks', 'containers']) {
    const { stderr, code } = await daemon.ctr([what, 'rm', id]);
    assert.equal(code, 0, stderr);
  }
}

export async function exitOf(daemon: TestDaemon, containerId: string, execId = '') {
  const { exit } = await daemon.call(ExitsService.get, { containerId, execId });
  return exit ?? assert.fail(`no exit of ${containerId} ${execId}`);
}

/** The topics of what the journal has of a task, in order. */
export async function topicsOf(daemon: TestDaemon, id: string): Promise<string[]> {
  const filters = [`topic~=^/tasks/,event.container_id==${id}`];
  const stream = daemon.stream(EventsService.subscribe, { after: 0n, since: undefined, filters, follow: false });
  assert.equal(await stream.ended, undefined);
  return stream.received.map(({ entry }) => (entry?.$case === 'event' ? entry.value.topic : 'gap'));
}

export function bundleOf(daemon: TestDaemon, id: string): string {
  return join(daemon.state, 'tasks', daemon.namespace, id);
}

export function shimPidOf(daemon: TestDaemon, id: string): number {
  return Number(readFileSync(join(bundleOf(daemon, id), 'shim.pid'), 'utf8'));
}

/** The path of the shim's socket, which lies outside the bundle. */
export function shimSocketOf(daemon: TestDaemon, id: string): string {
  return readFileSync(join(bundleOf(daemon, id), 'address'), 'utf8').replace('unix://', '');
}
