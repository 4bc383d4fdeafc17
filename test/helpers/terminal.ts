// A program on a pseudo-terminal, by way of util-linux's `script`, which every Debian and Ubuntu has.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { poll } from '../../src/base/deadline.js';
import { type Program, runProgram, startProgram } from './program.js';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface TerminalProgram {
  readonly program: Program;
  /** Sets the size of the terminal, of which the kernel tells the program by SIGWINCH. */
  resize(size: TerminalSize): Promise<void>;
  /** What `stty -a` says of the terminal now. */
  settings(): Promise<string>;
}

export function startInTerminal(command: readonly string[], size: TerminalSize): TerminalProgram {
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const line = `stty cols ${size.columns} rows ${size.rows}; exec ${quoted}`;
  const program = startProgram('script', ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], {
    keepStdin: true,
    env: { SHELL: '/bin/sh' },
  });
  return {
    program,
    resize: async ({ columns, rows }) => {
      await stty(program.pid, ['cols', String(columns), 'rows', String(rows)]);
    },
    settings: async () => await stty(program.pid, ['-a']),
  };
}

async function stty(scriptPid: number, args: readonly string[]): Promise<string> {
  const device = await poll(() => terminalOfChild(scriptPid), {
    limitMs: 5_000,
    intervalMs: 10,
    what: `a terminal below script ${scriptPid}`,
  });
  const { stdout, stderr, code } = await runProgram('stty', ['-F', device, ...args]);
  if (code !== 0) throw new Error(`stty ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** The device that a child of `script` has as its stdin. */
function terminalOfChild(pid: number): string | undefined {
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ');
    for (const child of children.filter((text) => text !== '')) {
      const device = readlinkSync(`/proc/${child}/fd/0`);
      if (device.startsWith('/dev/pts/')) return device;
    }
  }
  return undefined;
}
