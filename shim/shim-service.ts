// Berth's own part of the shim's wire: who the shim is, and its exits with acknowledgement.
import type { JournalRecord } from '../src/domain/exit-journal.js';
import { BerthError } from '../src/domain/errors.js';
import {
  ShimDefinition,
  type ConnectResponse,
  type EventsRequest,
  type ProcessState,
  type ShimEvent,
} from '../src/generated/berth/shim/v1/shim.js';
import { implement, type Service } from '../src/ttrpc/service.js';
import type { ContainerProcess } from './container-process.js';
import type { ExitJournal } from './exit-journal.js';
import { noticeFreezer } from './pause-container.js';
import type { Task } from './task.js';
import { provenanceToWire, statusToWire, timestampFromNanos } from './wire.js';

export interface ShimServiceOptions {
  readonly task: Task;
  readonly journal: ExitJournal;
  readonly identity: Pick<ConnectResponse, 'shimId' | 'version' | 'namespace' | 'containerId'>;
}

export function shimService({ task, journal, identity }: ShimServiceOptions): Service {
  return implement(ShimDefinition, {
    connect: async () => {
      if (task.current !== undefined) noticeFreezer(task.current);
      return {
        ...identity,
        pid: process.pid,
        initPid: task.current?.init.pid ?? 0,
        processes: processStates(task),
      };
    },
    adopt: async (request) => {
      await task.adopt(request);
      return { processes: processStates(task) };
    },
    events: (requests, { signal }) => sendEvents(journal, requests, signal),
  });
}

async function* sendEvents(
  journal: ExitJournal,
  requests: AsyncIterable<EventsRequest>,
  signal: AbortSignal,
): AsyncGenerator<ShimEvent> {
  const reader = requests[Symbol.asyncIterator]();
  const first = await reader.next();
  if (first.done === true) return;
  if (first.value.request?.$case !== 'after') {
    throw new BerthError('invalid-argument', 'the first message of an event stream is its cursor');
  }
  const done = new AbortController();
  const ended = AbortSignal.any([signal, done.signal]);
  // The client closes its side when it wants no more.
  void takeAcknowledgements(journal, reader).finally(() => done.abort());
  for await (const record of journal.follow(first.value.request.value, ended)) yield eventFromRecord(record);
}

async function takeAcknowledgements(journal: ExitJournal, reader: AsyncIterator<EventsRequest>): Promise<void> {
  try {
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
      const { request } = next.value;
      if (request?.$case === 'acknowledged') journal.acknowledge(request.value);
    }
  } catch {
    // The connection is gone: what is not acknowledged is sent again on the next one.
  }
}

function eventFromRecord(record: JournalRecord): ShimEvent {
  const { sequence, containerId } = record;
  if ('outOfMemoryAt' in record) {
    return {
      sequence,
      time: timestampFromNanos(record.outOfMemoryAt),
      body: { $case: 'oom', value: { containerId } },
    };
  }
  const { execId, exit } = record;
  const { pid, status, signal, provenance, oomKilled } = exit;
  return {
    sequence,
    time: timestampFromNanos(exit.exitedAt),
    body: {
      $case: 'exit',
      value: {
        containerId,
        execId,
        pid,
        exitStatus: status,
        signal,
        provenance: provenanceToWire[provenance],
        oomKilled,
      },
    },
  };
}

function processStates({ current }: Task): ProcessState[] {
  return current === undefined ? [] : [current.init, ...current.execs.values()].map(processState);
}

function processState({ names, pid, state, exit, io }: ContainerProcess): ProcessState {
  return {
    execId: names.execId,
    pid,
    status: statusToWire[state],
    exitStatus: exit?.status ?? 0,
    exitedAt: exit === undefined ? undefined : timestampFromNanos(exit.exitedAt),
    droppedBytes: BigInt(io?.droppedBytes ?? 0),
  };
}
