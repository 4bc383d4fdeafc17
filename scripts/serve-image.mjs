// A registry on loopback with one image in it: what `make demo` pulls. Usage: serve-image.mjs ROOTFS NAME:TAG
// Prints the image's reference once it serves, and goes on until it is killed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

const [rootfs = '.', name = 'image:1'] = process.argv.slice(2);
const [repository, tag] = name.split(':');
const architecture = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }[process.arch] ?? process.arch;
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const served = new Map();

const flags = ['--create', '--sort=name', '--numeric-owner', '--owner=0', '--group=0'];
const layer = execFileSync('tar', [...flags, '-C', rootfs, '.'], { maxBuffer: 1e9 });
const config = json('config.v1+json', {
  architecture,
  os: 'linux',
  config: { Cmd: ['sh'], Env: ['PATH=/bin'] },
  rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
});
const layers = [blob('layer.v1.tar+gzip', gzipSync(layer))];
const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers }));
for (const reference of [tag, digestOf(manifest)]) served.set(`manifests/${reference}`, [manifestType, manifest]);

const server = createServer(({ method, url = '' }, response) => {
  const [type, content] = served.get(url.replace(`/v2/${repository}/`, '')) ?? [];
  if (url !== '/v2/' && content === undefined) return response.writeHead(404).end();
  const headers = { 'content-type': type ?? 'text/plain', 'content-length': content?.length ?? 0 };
  response.writeHead(200, { ...headers, ...(content && { 'docker-content-digest': digestOf(content) }) });
  return response.end(method === 'HEAD' ? undefined : content);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`127.0.0.1:${server.address().port}/${name}\n`);
});

function blob(type, content) {
  const digest = digestOf(content);
  served.set(`blobs/${digest}`, ['application/octet-stream', content]);
  return { mediaType: `application/vnd.oci.image.${type}`, digest, size: content.length };
}

function json(type, value) {
  return blob(type, Buffer.from(JSON.stringify(value)));
}

function digestOf(content) {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
