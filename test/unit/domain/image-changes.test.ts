import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/domain/errors.js';
import { changedDefaults } from '../../../src/domain/image-changes.js';

test('each instruction changes its own part, and leaves the rest', () => {
  const base = { Env: ['A=1', 'B=2'], Cmd: ['old'], WorkingDir: '/srv', User: 'nobody', Labels: { kept: 'yes' } };
  const lines = [
    'CMD ["sh", "-c", "echo hi"]',
    'entrypoint /bin/start --now',
    'ENV A=3 C="two words" D=a\\ b',
    'ENV E all of this',
    "LABEL one=1 'two words'=2",
    'EXPOSE 80 53/udp',
    'VOLUME /data /var/lib/x/',
    'VOLUME ["/a b"]',
    'WORKDIR sub',
    'STOPSIGNAL SIGQUIT',
    'USER 5:6',
  ];
  assert.deepEqual(changedDefaults(base, lines), {
    Env: ['B=2', 'A=3', 'C=two words', 'D=a b', 'E=all of this'],
    Cmd: ['sh', '-c', 'echo hi'],
    Entrypoint: ['/bin/sh', '-c', '/bin/start --now'],
    Labels: { kept: 'yes', one: '1', 'two words': '2' },
    ExposedPorts: { '80/tcp': {}, '53/udp': {} },
    Volumes: { '/data': {}, '/var/lib/x/': {}, '/a b': {} },
    WorkingDir: '/srv/sub',
    StopSignal: 'SIGQUIT',
    User: '5:6',
  });
  assert.deepEqual(base.Env, ['A=1', 'B=2']);
});

test('what cannot be done is refused with its line', () => {
  const refused = [
    '',
    'RUN ls',
    'constructor x',
    'CMD',
    'CMD [1]',
    'CMD ["x"',
    'ENV A',
    'ENV =1',
    'ENV A="open',
    'LABEL a=1 b',
    'EXPOSE http',
    'EXPOSE 70000',
    'VOLUME relative',
    'USER a b',
    'STOPSIGNAL',
  ];
  for (const line of refused) {
    assert.throws(
      () => changedDefaults({}, [line]),
      (error) => isBerthError(error, 'invalid-argument') && error.message.includes(JSON.stringify(line)),
      line,
    );
  }
});
