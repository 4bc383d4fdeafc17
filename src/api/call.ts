// What a handler may know of one call beside its request.
import type { Metadata } from '@grpc/grpc-js';
import { BerthError } from '../domain/errors.js';
import { checkId, type ContainerKey } from '../domain/ids.js';
import type { Scope } from '../images/scope.js';

const namespaceHeader = 'containerd-namespace';
const leaseHeader = 'containerd-lease';

/** Has `abort` called when the call is not wanted any more; what it returns ends that. */
export type WatchForAbort = (abort: () => void) => () => void;

export class Call {
  readonly #metadata: Metadata;
  readonly #watchForAbort: WatchForAbort;
  #signal: AbortSignal | undefined;
  #stopWatching: (() => void) | undefined;

  /** Most calls end before anybody asks for their signal, and it costs more than many of them: it is made on demand. */
  constructor(metadata: Metadata, watchForAbort: WatchForAbort) {
    this.#metadata = metadata;
    this.#watchForAbort = watchForAbort;
  }

  /** Aborts when the client cancels or goes away, and when the daemon stops; not any more once the call is over. */
  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const aborter = new AbortController();
      this.#signal = aborter.signal;
      this.#stopWatching = this.#watchForAbort(() => aborter.abort());
    }
    return this.#signal;
  }

  /** It has been answered. */
  end(): void {
    this.#stopWatching?.();
  }

  /** The namespace that the client works in; `failed-precondition` without one, as in containerd. */
  namespace(): string {
    const name = this.#header(namespaceHeader);
    if (name === '') throw new BerthError('failed-precondition', 'namespace is required: failed precondition');
    checkId('namespace', name);
    return name;
  }

  /** As the client sent it, unchecked; empty where it sent none. */
  namespaceHeader(): string {
    return this.#header(namespaceHeader);
  }

  /** A container of the client's namespace. */
  container(id: string): ContainerKey {
    const namespace = this.namespace();
    checkId('container id', id);
    return { namespace, id };
  }

  /** The lease that holds what this call makes; empty without one. */
  lease(): string {
    return this.#header(leaseHeader);
  }

  /** The namespace, and the lease, of what this call makes. */
  scope(): Scope {
    return { namespace: this.namespace(), lease: this.lease() };
  }

  #header(name: string): string {
    return String(this.#metadata.get(name)[0] ?? '');
  }
}
