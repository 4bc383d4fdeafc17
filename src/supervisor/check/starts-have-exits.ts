// As far back as the journal goes, each start has exactly one exit, unless the process runs.
import { type ContainerKey, keyString } from '../../domain/ids.js';
import type { EventRecord } from '../../domain/records.js';
import { TaskExecStarted, TaskExit, TaskStart } from '../../generated/containerd/events/task.js';
import type { Supervisor } from '../supervisor.js';
import type { Invariant, Problem } from './invariant.js';

const remedy = 'berth explain tells what happened; report it';

export const startsHaveExits: Invariant = {
  name: 'starts-have-exits',
  async *examine(supervisor) {
    const { store, closing } = supervisor;
    const lives = new Lives();
    const { first } = store.journal.head();
    for await (const item of store.journal.read(first - 1n, { follow: false, signal: closing })) {
      if ('event' in item) yield lives.follow(item.event);
    }
    for (const process of lives.running()) yield await stillRuns(supervisor, process);
  },
};

interface StartedProcess {
  readonly key: ContainerKey;
  readonly pid: number;
  /** Of the start's event. */
  readonly number: bigint;
}

/** Which processes live, as the journal tells it. */
class Lives {
  readonly #running = new Map<string, StartedProcess>();
  readonly #ended = new Set<string>();

  running(): StartedProcess[] {
    return [...this.#running.values()];
  }

  follow({ namespace, number, topic, event }: EventRecord): Problem | undefined {
    switch (topic) {
      case '/tasks/start':
        return this.#start(namespace, decoded(TaskStart, event.value), number);
      case '/tasks/exec-started':
        return this.#start(namespace, decoded(TaskExecStarted, event.value), number);
      case '/tasks/exit':
        return this.#end(namespace, decoded(TaskExit, event.value), number);
      default:
        return undefined;
    }
  }

  #start(namespace: string, event: ProcessOfEvent | undefined, number: bigint): Problem | undefined {
    if (event === undefined) return undefined;
    const { containerId, pid } = event;
    const name = `${namespace}/${containerId} pid ${pid}`;
    const before = this.#running.get(name);
    this.#running.set(name, { key: { namespace, id: containerId }, pid, number });
    this.#ended.delete(name);
    if (before === undefined) return undefined;
    return {
      object: String(number),
      message: `${name} starts again, and its start ${before.number} has no exit`,
      remedy,
    };
  }

  #end(namespace: string, event: ProcessOfEvent | undefined, number: bigint): Problem | undefined {
    if (event === undefined) return undefined;
    const { containerId, pid } = event;
    const name = `${namespace}/${containerId} pid ${pid}`;
    this.#running.delete(name);
    if (!this.#ended.has(name)) {
      this.#ended.add(name);
      return undefined;
    }
    return { object: String(number), message: `${name} exits a second time`, remedy };
  }
}

interface ProcessOfEvent {
  readonly containerId: string;
  readonly pid: number;
}

/** Undefined for what a client has published under one of our topics, and is no such event. */
function decoded(type: { decode(bytes: Uint8Array): ProcessOfEvent }, value: Uint8Array): ProcessOfEvent | undefined {
  try {
    return type.decode(value);
  } catch {
    return undefined;
  }
}

async function stillRuns({ tasks, queue, store }: Supervisor, started: StartedProcess): Promise<Problem | undefined> {
  const { key, pid, number } = started;
  const runs = await queue.run(keyString(key), async () => {
    const record = tasks.find(key)?.record;
    const processes = record === undefined ? [] : [record.init, ...Object.values(record.execs)];
    return processes.some((process) => process.pid === pid && process.state !== 'stopped');
  });
  // Its exit may have come after its place in the journal was read.
  for await (const exit of store.exits.list(`${keyString(key)}/`)) if (exit.pid === pid) return undefined;
  if (runs) return undefined;
  return {
    object: String(number),
    message: `${keyString(key)} pid ${pid} started, does not run, and has no exit`,
    remedy,
  };
}
