// What Docker's daemon has to do on Berth in the place of its containerd, whichever Docker it is.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, beforeEach, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { Docker, type DockerKind } from '../helpers/docker.js';
import { Registry } from '../helpers/registry.js';
import { useBerthd } from '../helpers/use-berthd.js';

const image = 'busybox:test';
const seen = { limitMs: 30_000, intervalMs: 50 };

interface Container {
  readonly State: {
    readonly Status: string;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
  };
  readonly RestartCount: number;
}

/** The tests of a file. */
export function testDocker(kind: DockerKind): void {
  let dockerd: Docker | undefined;

  // Registered first, so that it ends before Berth does.
  after(async () => await dockerd?.stop());

  const daemon = useBerthd();

  beforeEach(async () => {
    if (dockerd !== undefined) return;
    dockerd = await Docker.start(daemon(), kind);
    const tar = execFileSync('tar', ['-C', daemon().rootfs, '-c', '.'], { maxBuffer: 2 ** 28 });
    await dockerd.call('POST', '/images/create?fromSrc=-&repo=busybox&tag=test', tar);
  });

  function docker(): Docker {
    if (dockerd === undefined) throw new Error('dockerd is started before the first test');
    return dockerd;
  }

  async function run(command: readonly string[], host: object = {}, name = image): Promise<string> {
    const request = { Image: name, Cmd: command, HostConfig: { NetworkMode: 'none', ...host } };
    const { Id } = await docker().json<{ Id: string }>('POST', '/containers/create', request);
    await docker().call('POST', `/containers/${Id}/start`);
    return Id;
  }

  async function inspect(id: string): Promise<Container> {
    return await docker().json('GET', `/containers/${id}/json`);
  }

  async function ended(id: string): Promise<number> {
    return (await docker().json<{ StatusCode: number }>('POST', `/containers/${id}/wait`)).StatusCode;
  }

  async function remove(id: string): Promise<void> {
    await docker().call('DELETE', `/containers/${id}?force=1`);
  }

  /** Its id, once it has been started. */
  async function startExec(id: string, command: readonly string[]): Promise<string> {
    const { Id } = await docker().json<{ Id: string }>('POST', `/containers/${id}/exec`, { Cmd: command });
    await docker().call('POST', `/exec/${Id}/start`, { Detach: true });
    return Id;
  }

  /** undefined while dockerd has not been told of the end. */
  async function execCode(exec: string): Promise<number | undefined> {
    const { Running, ExitCode } = await docker().json<{ Running: boolean; ExitCode: number | null }>(
      'GET',
      `/exec/${exec}/json`,
    );
    return Running ? undefined : (ExitCode ?? undefined);
  }

  test('a container of Docker runs, and Docker has its output and its exit code', async () => {
    const id = await run(['sh', '-c', 'echo out; echo err >&2; exit 7']);
    assert.equal(await ended(id), 7);
    const output = await docker().output(id);
    assert.deepEqual(output.split('\n').sort(), ['', 'err', 'out']);
    await remove(id);
  });

  test('a command that is not there is an error of its own', async () => {
    await assert.rejects(run(['no-such-program']), /executable file not found in \$PATH/);
    const left = await docker().json<{ Id: string }[]>('GET', '/containers/json?all=1');
    for (const { Id } of left) await remove(Id);
  });

  test('Docker pauses, resumes, looks into, executes in, limits and kills a container', async () => {
    const id = await run(['sleep', '1000']);
    await docker().call('POST', `/containers/${id}/pause`);
    assert.equal((await inspect(id)).State.Status, 'paused');
    await docker().call('POST', `/containers/${id}/unpause`);
    assert.equal((await inspect(id)).State.Status, 'running');

    const { Processes } = await docker().json<{ Processes: string[][] }>('GET', `/containers/${id}/top`);
    assert.equal(Processes.length, 1);
    const stats = await docker().json<{ pids_stats: { current: number } }>(
      'GET',
      `/containers/${id}/stats?stream=false`,
    );
    assert.equal(stats.pids_stats.current, 1);
    const exec = await startExec(id, ['sh', '-c', 'exit 4']);
    assert.equal(await poll(async () => await execCode(exec), { ...seen, what: "the exec's exit" }), 4);
    await docker().call('POST', `/containers/${id}/update`, { Memory: 2 ** 26, MemorySwap: 2 ** 26 });

    await docker().call('POST', `/containers/${id}/kill?signal=KILL`);
    assert.equal(await ended(id), 137);
    await docker().call('POST', `/containers/${id}/start`);
    assert.equal((await inspect(id)).State.Status, 'running');
    await remove(id);
  });

  test('Docker is told that a container was killed for want of memory', async () => {
    const id = await run(['tail', '/dev/zero'], { Memory: 2 ** 24, MemorySwap: 2 ** 24 });
    assert.equal(await ended(id), 137);
    await poll(async () => ((await inspect(id)).State.OOMKilled ? true : undefined), { ...seen, what: 'the notice' });
    await remove(id);
  });

  test('Docker starts a container again that ends, as its policy says', async () => {
    const id = await run(['sleep', '0.1'], { RestartPolicy: { Name: 'always' } });
    await poll(async () => ((await inspect(id)).RestartCount >= 2 ? true : undefined), {
      ...seen,
      what: 'two restarts',
    });
    await remove(id);
  });

  test("Docker's container outlives SIGKILL to berthd, and Docker goes on with it", async () => {
    const id = await run(['sleep', '1000']);
    await daemon().restart('SIGKILL');
    // dockerd comes back in its own time.
    const start = async () => await startExec(id, ['sh', '-c', 'exit 5']).catch(() => undefined);
    const exec = await poll(start, { ...seen, what: 'an exec' });
    assert.equal(await poll(async () => await execCode(exec), { ...seen, what: "the exec's exit" }), 5);
    await docker().call('POST', `/containers/${id}/kill?signal=KILL`);
    assert.equal(await ended(id), 137);
    await remove(id);
  });

  test("Docker's container ends while berthd is down, and Docker learns of it and goes by its policy", async () => {
    const ends = await run(['sleep', '1000']);
    const returns = await run(['sleep', '1000'], { RestartPolicy: { Name: 'always' } });
    const pids = await Promise.all([ends, returns].map(async (id) => (await inspect(id)).State.Pid));
    await daemon().kill9();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await daemon().start();
    assert.equal(await ended(ends), 137);
    const returned = async () => {
      const { RestartCount, State } = await inspect(returns);
      return (RestartCount === 1 && State.Status === 'running') || undefined;
    };
    await poll(returned, { ...seen, what: 'the other to be started again' });
    for (const id of [ends, returns]) await remove(id);
  });

  test('Docker learns of an end that berthd had committed, and told nobody, when it was killed', async () => {
    await daemon().kill9();
    await daemon().start({ BERTH_FAILPOINT: 'exit.committed' });
    const id = await poll(async () => await run(['sleep', '1000']).catch(() => undefined), { ...seen, what: 'a run' });
    process.kill((await inspect(id)).State.Pid, 'SIGKILL');
    await daemon().died();
    await daemon().start();
    assert.equal(await ended(id), 137);
    await remove(id);
  });

  if (!kind.isImageStore) return;

  test('Docker pushes, pulls, changes and commits images whose content and snapshots are in Berth', async () => {
    const registry = await Registry.start();
    try {
      const [repository, tag] = [registry.reference('app'), '1'];
      /** A transfer's failure is told in what it answers. */
      const transfer = async (path: string): Promise<void> => {
        const told = (await docker().call('POST', path)).toString();
        assert.doesNotMatch(told, /error/i);
      };
      await docker().call('POST', `/images/${image}/tag?repo=${repository}&tag=${tag}`);
      await transfer(`/images/${repository}/push?tag=${tag}`);
      await docker().call('DELETE', `/images/${repository}:${tag}`);
      await transfer(`/images/create?fromImage=${repository}&tag=${tag}`);
      const id = await run(['sh', '-c', 'echo changed > /file'], {}, `${repository}:${tag}`);
      assert.equal(await ended(id), 0);
      const changes = await docker().json<{ Path: string; Kind: number }[]>('GET', `/containers/${id}/changes`);
      assert.deepEqual(changes, [{ Path: '/file', Kind: 1 }]);
      await docker().call('POST', `/commit?container=${id}&repo=committed&tag=1`);
      const second = await run(['cat', '/file'], {}, 'committed:1');
      assert.equal(await ended(second), 0);
      assert.equal(await docker().output(second), 'changed\n');
      for (const left of [id, second]) await remove(left);
      for (const name of ['committed:1', `${repository}:${tag}`]) await docker().call('DELETE', `/images/${name}`);
    } finally {
      await registry.stop();
    }
  });
}
