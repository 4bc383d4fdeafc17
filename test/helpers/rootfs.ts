// Root filesystems for test containers: busybox with all its applets, or a program of this machine with its libraries.
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from './program.js';

const directories = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'var'];

/** Makes a root filesystem at `path` in which every busybox applet is in /bin. */
export async function makeBusyboxRootfs(path: string): Promise<void> {
  await makeProgramRootfs(path, ['busybox']);
  const applets = (await runProgram('busybox', ['--list'])).stdout.split('\n');
  const links = applets.filter((applet) => applet !== '' && applet !== 'busybox');
  await Promise.all(links.map((applet) => symlink('busybox', join(path, 'bin', applet))));
}

/** Makes a root filesystem at `path` with `programs` of this machine in /bin, and the libraries they are linked with. */
export async function makeProgramRootfs(path: string, programs: readonly string[]): Promise<void> {
  await Promise.all(directories.map((directory) => mkdir(join(path, directory), { recursive: true })));
  await writeFile(join(path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n');
  await writeFile(join(path, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
  for (const program of programs) {
    const file = await whichProgram(program);
    await cp(file, join(path, 'bin', program), { dereference: true });
    for (const library of await librariesOf(file)) {
      await mkdir(dirname(join(path, library)), { recursive: true });
      await cp(library, join(path, library), { dereference: true });
    }
  }
}

async function whichProgram(program: string): Promise<string> {
  const { stdout, code } = await runProgram('sh', ['-c', 'command -v "$0"', program]);
  if (code !== 0) throw new Error(`${program} is not on this machine: run make deps`);
  return stdout.trim();
}

/** Every absolute path that ldd prints; a static program has none. */
async function librariesOf(file: string): Promise<string[]> {
  const magic = (await readFile(file)).subarray(0, 4).toString('latin1');
  if (magic !== '\x7fELF') return [];
  const { stdout } = await runProgram('ldd', [file]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap((match) => match[1] ?? []);
}
