// The same commands of the real ctr on Berth and on containerd: each must succeed or fail as the test says, and what it
// prints and how it ends must be the same, but for what no two runs share, and for the words of a failure before its kind.
import assert from 'node:assert/strict';
import type { TestDaemon } from './daemon.js';

/** One command; `DIR` and `NAMESPACE` in it are the daemon's own. */
export interface Step {
  readonly args: readonly string[];
  readonly input?: string;
  /** Prints how far it is, again and again: only how it ends counts. */
  readonly isProgress?: boolean;
  /** Is meant to; else both must succeed, so that two failures alike are no agreement. */
  readonly fails?: boolean;
}

/** Of one command, on a loaded machine. */
const stepLimitMs = 120_000;

/** A command as it is typed, after `! ` where it is to fail; no argument has a space in it. */
export function step(command: string, options: Omit<Step, 'args' | 'fails'> = {}): Step {
  const words = command.split(' ');
  return words[0] === '!' ? { args: words.slice(1), fails: true, ...options } : { args: words, ...options };
}

export async function assertAlike(subjects: readonly [TestDaemon, TestDaemon], steps: readonly Step[]): Promise<void> {
  for (const each of steps) {
    const [ours, theirs] = [await outcomeOf(subjects[0], each), await outcomeOf(subjects[1], each)];
    const command = `ctr ${each.args.join(' ')}`;
    assert.deepEqual(ours, theirs, command);
    assert.equal(ours.code !== 0, each.fails ?? false, `${command} ended with ${ours.code}: ${ours.failure}`);
  }
}

interface Outcome {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly failure: string;
}

async function outcomeOf(subject: TestDaemon, { args, input, isProgress = false }: Step): Promise<Outcome> {
  const { code, stdout, stderr } = await subject.ctr(
    args.map((arg) => arg.replaceAll('DIR', subject.directory).replaceAll('NAMESPACE', subject.namespace)),
    { limitMs: stepLimitMs, ...(input !== undefined && { input }) },
  );
  const lines = isProgress ? [] : stdout.split('\n').map((line) => withoutOwn(subject, line));
  return { code, lines, failure: kindOf(withoutOwn(subject, stderr)) };
}

/** Without directories, times, and the order of labels and options. */
function withoutOwn({ directory, namespace }: TestDaemon, text: string): string {
  return text
    .replaceAll(directory, 'DIR')
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(/DIR\/root\/(io\.containerd\.snapshotter\.v1\.\w+\/)?snapshots\/\d+(\/fs(?= DIR))?/g, 'SNAPSHOT')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| [+-]\d{4} \w+)?/g, 'TIME')
    .replaceAll(/elapsed: \S+|\b\d+ seconds?|[Ll]ess than a second|About a minute|\d+ minutes/g, 'SPAN')
    .replaceAll(/[^\s,]+(?:,[^\s,]+)+/g, (list) => list.split(',').sort().join(','));
}

/** `ctr` prints whole sentences, and last what errors of containerd's end with: `not found`. */
function kindOf(stderr: string): string {
  const line = stderr.split('\n').find((found) => found.startsWith('ctr: ')) ?? '';
  return line.split(': ').at(-1) ?? '';
}
