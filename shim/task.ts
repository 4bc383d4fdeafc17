// The task this shim serves: its one container from Create to Delete, and what may be done to it meanwhile. Each process's
// changes run one after the other; signals and questions do not queue.
import { realpathSync } from 'node:fs';
import { failpoint } from '../src/base/failpoint.js';
import { Gate } from '../src/base/gate.js';
import { KeyedQueue } from '../src/base/keyed-queue.js';
import { BerthError } from '../src/domain/errors.js';
import { checkId } from '../src/domain/ids.js';
import type { AdoptRequest } from '../src/generated/berth/shim/v1/shim.js';
import type { CreateTaskRequest, ExecProcessRequest } from '../src/generated/containerd/task/v3/shim.js';
import { adoptContainer } from './adopt-container.js';
import type { Container } from './container.js';
import type { ContainerProcess } from './container-process.js';
import { createContainer, type CreateContext } from './create-container.js';
import { deleteContainer, deleteExec } from './delete-process.js';
import { addExec, ExecProcess, startExec } from './exec-process.js';
import { noticeFreezer } from './pause-container.js';
import { restoreContainer, type PendingRestore } from './restore-container.js';

export interface TaskOptions extends Omit<CreateContext, 'onMade'> {
  /** The container this shim was started for. */
  readonly id: string;
  readonly bundle: string;
}

export class Task {
  /** Undefined before Create and after Delete. */
  #container: Container | undefined;
  #creating = false;
  readonly #queue = new KeyedQueue();
  /** Shared by the starts of execs: a process that is half made can neither be frozen nor dumped. */
  readonly #execs = new Gate();
  readonly #options: TaskOptions;

  constructor(options: TaskOptions) {
    this.#options = options;
  }

  /** The container, while there is one. */
  get current(): Container | undefined {
    return this.#container;
  }

  /** Whether a container is there or being made. */
  get busy(): boolean {
    return this.#creating || this.#container !== undefined;
  }

  /** Whether any process of a container could still be hurt by this shim's end. */
  get live(): boolean {
    return this.#creating || (this.#container !== undefined && this.#container.init.state !== 'stopped');
  }

  container(id: string): Container {
    if (this.#container === undefined || this.#container.id !== id) {
      throw new BerthError('not-found', `task ${id} not found: container not created`);
    }
    return this.#container;
  }

  async create(request: CreateTaskRequest): Promise<Container> {
    const { id, bundle } = this.#options;
    checkId('container id', request.id);
    if (request.id !== id) throw new BerthError('invalid-argument', `this shim serves ${id}, not ${request.id}`);
    if (!isSamePath(request.bundle, bundle)) {
      throw new BerthError('invalid-argument', `the shim of ${id} serves bundle ${bundle}, not ${request.bundle}`);
    }
    if (this.busy) throw new BerthError('already-exists', `task ${id} already exists`);
    this.#creating = true;
    try {
      const onMade = (container: Container): void => {
        this.#container = container;
      };
      return await createContainer({ ...this.#options, onMade }, { ...request, bundle });
    } catch (error) {
      this.#container = undefined;
      throw error;
    } finally {
      this.#creating = false;
    }
  }

  /** Instead of `create`, where another shim has died and left its container. */
  async adopt(request: AdoptRequest): Promise<void> {
    const { id } = this.#options;
    if (this.busy) throw new BerthError('already-exists', `task ${id} already exists`);
    this.#creating = true;
    try {
      const onMade = (container: Container): void => {
        this.#container = container;
      };
      await adoptContainer({ ...this.#options, onMade }, request);
    } finally {
      this.#creating = false;
    }
  }

  start(id: string, execId: string): Promise<ContainerProcess> {
    return this.#queue.run(execId, async () => {
      const container = this.container(id);
      const process = container.process(execId);
      if (process instanceof ExecProcess) await this.#execs.shared(() => startExec(container, process));
      else if (container.restore !== undefined) await startRestored(container, container.restore);
      else await startInit(container);
      return process;
    });
  }

  delete(id: string, execId: string): Promise<ContainerProcess> {
    return this.#queue.run(execId, async () => {
      const container = this.container(id);
      const process = container.process(execId);
      if (process === container.init) {
        await deleteContainer(container);
        this.#container = undefined;
      } else {
        await deleteExec(container, process);
      }
      return process;
    });
  }

  addExec(request: ExecProcessRequest): void {
    noticeFreezer(this.container(request.id));
    addExec(this.container(request.id), request);
  }

  /** Changes the container as a whole, while no exec is being made. */
  change(id: string, work: (container: Container) => Promise<void>): Promise<void> {
    return this.#queue.run('', () => this.#execs.alone(() => work(this.container(id))));
  }
}

async function startInit(container: Container): Promise<void> {
  const { init } = container;
  refuseStarted(init);
  failpoint('shim.start-begun');
  await container.parts.runc.start(container.id, init);
  failpoint('shim.started');
  // It may have run and ended while the runtime returned.
  if (init.state === 'created') init.step('start');
}

async function startRestored(container: Container, plan: PendingRestore): Promise<void> {
  refuseStarted(container.init);
  await restoreContainer(container, plan);
}

function refuseStarted({ state, label }: ContainerProcess): void {
  if (state !== 'created') throw new BerthError('failed-precondition', `cannot start ${label}: ${state}`);
}

function isSamePath(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}
