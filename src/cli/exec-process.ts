// Adds a process to a running container and runs it, in the foreground or detached.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { UndoStack } from '../base/undo-stack.js';
import { BerthError, isBerthError } from '../domain/errors.js';
import { ExecProcessRequest, TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import { jsonAny } from './any-types.js';
import type { Connection } from './connection.js';
import { type ForegroundEnd, type ForegroundSettings, runInForeground } from './foreground-process.js';
import { mergeEnv } from './parse/key-value.js';
import type { UserIds } from './parse/user.js';
import { getContainer, orUndefined, specOf } from './records.js';
import type { Session } from './session.js';
import { type OciProcess, processTypeUrl } from './spec/oci.js';
import { CaughtSignals } from './stdio/caught-signals.js';
import { fifoOwner, type StdioPaths, type StdioWishes } from './stdio/fifo-set.js';
import { terminalSize } from './stdio/terminal.js';
import { statusName } from './task-status.js';

export interface ExecPlan {
  readonly containerId: string;
  readonly execId: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd?: string;
  readonly user?: UserIds;
  readonly detach: boolean;
  readonly stdio: StdioWishes;
  readonly detachKeys: Buffer;
}

const noStdio: StdioPaths = { stdin: '', stdout: '', stderr: '' };

export function newExecId(): string {
  return `exec-${randomBytes(6).toString('hex')}`;
}

/** The code that `berth` ends with. */
export async function execProcess(session: Session, plan: ExecPlan): Promise<number> {
  const connection = await session.connect();
  const spec = processSpec(await containerProcess(connection, plan.containerId), plan);
  const signals = new CaughtSignals();
  let removes = true;
  await using undo = new UndoStack();
  undo.push(() => signals.release());
  undo.push(async () => {
    if (removes) await removeExec(connection, plan);
  });
  const create = async (paths: StdioPaths) => {
    try {
      await addExec(connection, plan, spec, paths);
    } catch (error) {
      // That one is somebody else's.
      if (isBerthError(error, 'already-exists')) removes = false;
      throw error;
    }
  };
  const { code, detached } = plan.detach
    ? await runDetached(session, connection, plan, create)
    : await runAttached(session, connection, { ...plan, signals, create });
  removes = false;
  if (!plan.detach && detached) tellDetached(plan);
  return code;
}

async function containerProcess(connection: Connection, containerId: string): Promise<OciProcess> {
  const container = await getContainer(connection, containerId);
  const process = container === undefined ? undefined : specOf(container)?.process;
  if (process === undefined) {
    throw new BerthError('failed-precondition', `container ${containerId} has no process spec`);
  }
  return process;
}

async function runAttached(
  session: Session,
  connection: Connection,
  settings: ExecPlan & Pick<ForegroundSettings, 'signals' | 'create'>,
): Promise<ForegroundEnd> {
  const ids = { containerId: settings.containerId, execId: settings.execId };
  const remove = async () => {
    await orUndefined(async () => await connection.unary(TasksService.deleteProcess, ids));
  };
  const { address, namespace } = session.globals;
  const owner = fifoOwner(namespace, settings.containerId);
  return await runInForeground(connection, { ...settings, address, fifoOwner: owner, remove });
}

async function runDetached(
  session: Session,
  connection: Connection,
  { containerId, execId }: ExecPlan,
  create: (paths: StdioPaths) => Promise<void>,
): Promise<ForegroundEnd> {
  await create(noStdio);
  await connection.unary(TasksService.start, { containerId, execId });
  session.printId(execId);
  return { code: 0, detached: true };
}

function tellDetached({ containerId, execId }: ExecPlan): void {
  process.stderr.write(`\nberth: detached; 'berth attach --exec-id ${execId} ${containerId}' comes back to it\n`);
}

/** The container's own process, with what was asked for over it. */
export function processSpec(base: OciProcess, plan: ExecPlan): OciProcess {
  const { consoleSize: _, ...rest } = base;
  const { terminal } = plan.stdio;
  const size = terminal ? terminalSize() : undefined;
  return {
    ...rest,
    args: plan.args,
    terminal,
    env: mergeEnv([...(terminal ? ['TERM=xterm'] : []), ...(base.env ?? [])], plan.env),
    ...(size === undefined ? {} : { consoleSize: size }),
    ...(plan.cwd === undefined ? {} : { cwd: plan.cwd }),
    ...(plan.user === undefined ? {} : { user: plan.user }),
  };
}

async function addExec(
  connection: Connection,
  { containerId, execId, stdio }: ExecPlan,
  spec: OciProcess,
  paths: StdioPaths,
): Promise<void> {
  const { terminal } = stdio;
  const any = jsonAny(processTypeUrl, spec);
  const request = ExecProcessRequest.fromPartial({ containerId, execId, ...paths, terminal, spec: any });
  await connection.unary(TasksService.exec, request);
}

/** After a failure: best effort, the failure itself is what counts. */
async function removeExec(connection: Connection, { containerId, execId }: ExecPlan): Promise<void> {
  const ids = { containerId, execId };
  try {
    const { process } = await connection.unary(TasksService.get, ids);
    if (process !== undefined && statusName(process.status) === 'running') {
      await connection.unary(TasksService.kill, { ...ids, signal: constants.signals.SIGKILL, all: false });
      await connection.unary(TasksService.wait, ids);
    }
    await connection.unary(TasksService.deleteProcess, ids);
  } catch {
    // It never was there, or goes with its container.
  }
}
