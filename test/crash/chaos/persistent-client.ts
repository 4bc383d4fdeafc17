// A client as an orchestrator writes one: it calls again while the daemon is away, and takes a repeated success for one.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServiceError, status } from '@grpc/grpc-js';
import type { TestDaemon } from '../../helpers/daemon.js';
import type { Method } from '../../helpers/rpc.js';

/** Nothing under test may keep a client away for longer: a runtime that hangs in Create is given up after two minutes. */
const persistMs = 200_000;
const pauseMs = 50;
/** The daemon was killed under the call, is not back yet, or is at this very container's shim. */
const transient: readonly number[] = [status.UNAVAILABLE, status.CANCELLED, status.DEADLINE_EXCEEDED];

export class PersistentClient {
  readonly #daemon: TestDaemon;

  constructor(daemon: TestDaemon) {
    this.#daemon = daemon;
  }

  /** `done` are the statuses that say that an earlier try got through after all; then there is no answer. */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    done: readonly status[] = [],
  ): Promise<Response | undefined> {
    const end = performance.now() + persistMs;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#daemon.call(method, request, { limitMs: persistMs });
      } catch (error) {
        const { code } = error as ServiceError;
        if (attempt > 1 && done.includes(code)) return undefined;
        if (!(transient.includes(code) || isInjected(error)) || performance.now() > end) throw error;
      }
      await sleep(pauseMs);
    }
  }
}

/** A fault of the runtime's that the test itself has armed, or a shim's time-out for one that hangs. */
function isInjected(error: unknown): boolean {
  return /an injected fault|took longer than \d+ ms/.test((error as ServiceError).details);
}

export function isStatus(error: unknown, ...codes: readonly status[]): boolean {
  const { code } = error as Partial<ServiceError>;
  return code !== undefined && codes.includes(code);
}
