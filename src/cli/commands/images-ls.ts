// `berth images ls`: the images of the namespace.
import { ImagesService, type ImageSummary } from '../../generated/berth/v1/images.js';
import { formatAge } from '../age.js';
import { formatBytes } from '../format-bytes.js';
import { jsonFromMessage } from '../json-value.js';
import { collect } from '../option-list.js';
import type { CommandDefinition } from '../session.js';

const help = `
SIZE is what is here of it, compressed as it came. PLATFORMS are those that are here whole.
Filters: name, target.digest, target.mediatype, labels.KEY, annotations.KEY, in containerd's filter language.
JSON: an array of {name, target, labels, createdAt, updatedAt, size, platforms: [{manifest, platform, complete, size}]}.

Examples:
  berth images ls
  berth images ls -f name~=alpine
  berth images ls -q`;

interface Options {
  readonly filter?: string[];
  readonly quiet?: boolean;
}

/** Characters of a digest in the table: enough to tell images apart. */
const digestLength = 19;

export const imagesLs: CommandDefinition = (command, session) => {
  command
    .option('-f, --filter <filter>', 'only those that match; several: any of them', collect)
    .option('-q, --quiet', 'names only')
    .addHelpText('after', help)
    .action(async ({ filter: filters = [], quiet }: Options) => {
      const connection = await session.connect();
      const { images } = await connection.unary(ImagesService.list, { filters });
      if (quiet === true) {
        for (const { name } of images) session.printId(name);
        return;
      }
      if (session.wantsJson) return session.printJson(images.map(jsonFromMessage));
      const now = Date.now() / 1000;
      const rows = images.map((image) => [
        image.name,
        (image.target?.digest ?? '').slice(0, digestLength),
        formatBytes(Number(image.size)),
        platformsOf(image),
        formatAge(now - Number(image.createdAt?.seconds ?? 0n)),
      ]);
      await session.printTable(['NAME', 'DIGEST', 'SIZE', 'PLATFORMS', 'AGE'], rows);
    });
};

function platformsOf({ platforms }: ImageSummary): string {
  const whole = platforms.filter(({ complete, platform }) => complete && platform !== '');
  return [...new Set(whole.map(({ platform }) => platform))].join(',');
}
