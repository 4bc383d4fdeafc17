// Layers with something of everything that layers carry, made by GNU tar from real files and byte by byte.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setXattrAt } from '../../src/linux/xattr.js';
import { rawPax, rawTar } from './raw-tar.js';

/** A base layer and two that stand on it. `directory` is scratch. */
export function makeCorpus(directory: string): Buffer[] {
  const base = { name: 'base', script: baseFiles, flags: ['--format=gnu'] };
  const second = { name: 'second', script: secondFiles, flags: paxFlags, own: secondAttributes };
  return [tarOf(directory, base), tarOf(directory, second), handmade()];
}

const paxFlags = ['--format=pax', '--sparse', '--xattrs', '--xattrs-include=*', '--pax-option=delete=ctime'];

/** 1,000 files, hard links, symbolic links, devices, odd modes and owners, long and non-ASCII names. */
const baseFiles = `
mkdir -p bin etc/conf.d usr/share/deep/er var/empty opaque/inner tmp
chmod 1777 tmp; chmod 0700 var/empty; chown 7:8 var/empty
for i in $(seq 1000); do echo $i > usr/share/deep/file$i; done
printf 'x%.0s' $(seq 5000) > bin/tool; chmod 4755 bin/tool; ln bin/tool bin/alias; ln -s tool bin/link; ln -s /etc absolute
echo secret > etc/shadow; chmod 0640 etc/shadow; chown 0:42 etc/shadow
echo a > etc/conf.d/a; echo b > etc/conf.d/b; echo gone > etc/gone; echo o > opaque/inner/old; echo p > opaque/old
mkfifo -m 622 var/fifo; mknod -m 660 var/disk b 259 70000; mknod -m 666 var/null c 1 3
mkdir -p "long/$(printf 'd%.0s' $(seq 120))/$(printf 'e%.0s' $(seq 120))"
echo long > "long/$(printf 'd%.0s' $(seq 120))/$(printf 'e%.0s' $(seq 120))/$(printf 'f%.0s' $(seq 200))"
ln -s "$(printf 't%.0s' $(seq 300))" long/link
echo u > "$(printf 'caf\\303\\251')"; echo l > "$(printf 'caf\\351')"; : > empty; chown 3000000:3000001 empty
chmod 2755 usr/share; chmod 0000 etc/conf.d/a
`;

/** Attributes, times to the nanosecond, replacements and whiteouts; and sparse files. */
const secondFiles = `
mkdir -p bin etc/conf.d opaque usr/share/deep/er new
cp /bin/true bin/ping
: > etc/.wh.gone; : > etc/conf.d/.wh.b; : > opaque/.wh..wh..opq; echo n > opaque/new; : > .wh.tmp
echo replaced > bin/link; mkdir usr/share/deep/er/file; echo x > usr/share/deep/er/file/x; touch -d '2021-03-04 05:06:07.000000001' bin/ping; ln bin/ping new/pong
truncate -s 300K new/holes; printf middle | dd of=new/holes bs=1 seek=100000 conv=notrunc status=none; truncate -s 64K new/hole
touch -d '2021-03-04 05:06:07.123456789' new
`;

const secondAttributes = {
  'bin/ping': { 'user.note': '00ff0a3d', 'security.capability': '0100000200200000000000000000000000000000' },
  new: { 'user.directory': '796573' },
};

/** Values in hexadecimal. */
function setAttributes(path: string, attributes: Readonly<Record<string, string>>): void {
  const directory = openSync(dirname(path), 'r');
  for (const [name, value] of Object.entries(attributes)) {
    setXattrAt(directory, basename(path), name, Buffer.from(value, 'hex'));
  }
  closeSync(directory);
}

interface LayerFiles {
  readonly name: string;
  readonly script: string;
  readonly flags: readonly string[];
  readonly own?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

function tarOf(directory: string, { name, script, flags, own = {} }: LayerFiles): Buffer {
  const root = join(directory, name);
  mkdirSync(root);
  execFileSync('bash', ['-ec', script], { cwd: root });
  for (const [path, attributes] of Object.entries(own)) setAttributes(join(root, path), attributes);
  const common = ['--create', '--sort=name', '--numeric-owner', '-C', root, '.'];
  return execFileSync('tar', [...flags, ...common], { maxBuffer: 1e9 });
}

/** What GNU tar does not write. */
function handmade(): Buffer {
  return rawTar([
    rawPax({ comment: 'global' }, 'g'),
    { name: 'implied/parents/file', mtime: 1_500_000_000 },
    { name: 'usr/share/deep/er/below', mtime: 1_500_000_000 },
    { name: '/absolute-name', content: 'x' },
    { name: './dotted/../cleaned', content: 'y' },
    { name: 'dir/', type: '5', mode: 0o711, mtime: 1 },
    { name: 'dir/negative', pax: { mtime: '-5.5' } },
    { name: 'dir/future', pax: { mtime: '9999999999.5' } },
    { name: 'dir/atime', mtime: 1_500_000_000, pax: { atime: '1500000001', ctime: '1' } },
    { name: 'dir/link', type: '2', linkName: '../../../../../etc', mtime: 1_500_000_000 },
    { name: 'dir/link-to-link', type: '1', linkName: 'dir/link', mtime: 1_500_000_000 },
    { name: 'dir/hard', type: '1', linkName: '/dir/negative', mode: 0o600, uid: 5, gid: 6, mtime: 1_500_000_000 },
    { name: 'dir/twice', content: 'first' },
    { name: 'dir/twice', content: 'second', mode: 0o755 },
    { name: 'dir/was-directory/', type: '5' },
    { name: 'dir/was-directory/inside' },
    { name: 'dir/was-directory', content: 'now a file' },
    {
      name: 'dir/xattrs',
      pax: { 'SCHILY.xattr.user.a': '\0\n=\xff', 'SCHILY.xattr.trusted.no': 'x', 'SCHILY.xattr.user.empty': '' },
    },
    { name: 'dir/fifo', type: '6', mode: 0o4622, pax: { 'SCHILY.xattr.user.ignored': 'x' } },
    { name: 'in-etc', type: '2', linkName: '/made' },
    { name: 'in-etc/through-a-link', content: 'z' },
    { name: 'old', content: 'v7', magic: '' },
  ]);
}
