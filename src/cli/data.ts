/** `idiolect data get`: the files of a benchmark, from its makers. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { makeFolder, requireReplaceable } from '../common/files.ts';
import { benchmarkFiles } from '../histories/index.ts';
import { download, megabytes } from '../hub/download.ts';
import { TimeLeft, transferLine } from '../terminal/time-left.ts';
import { defineVerb } from './verb.ts';

const split = z.enum(['train', 'dev', 'test']);

const schema = z.object({
  out: z.string().describe('folder for the files; each task has its own inside'),
  split: z.array(split).min(1).default(['train', 'dev', 'test']).describe('which splits; dev is LongLaMP’s val'),
  time: z.boolean().default(false).describe('split by time within each user (default: by user)'),
  mirror: z.string().optional().describe("an address in place of the makers' own, with the same paths below it"),
});

export const dataGetVerb = defineVerb({
  name: 'data get',
  summary: 'Downloads a task of LaMP or LongLaMP from its makers; the same command continues where it stopped.',
  operands: [{ name: 'TASK', description: 'lamp-1 to lamp-7, abstract-generation, product-review or topic-writing' }],
  schema,
  example: 'idiolect data get lamp-4 --split dev --time --out data',
  async run({ resolved, operands, terminal, json, signal }) {
    const { out, split, time, mirror } = resolved.values;
    const { licence, folder, files } = await benchmarkFiles(operands[0]!, { splits: split, time, mirror });
    terminal.say(licence);
    const home = join(out, folder);
    await makeFolder(home);
    let bytes = 0;
    for (const [i, file] of files.entries()) {
      const left = new TimeLeft();
      const onProgress = (done: number, total: number | undefined, before: number) => {
        const place = `${file.name} (${i + 1} of ${files.length})`;
        terminal.progress(`${place}: ${transferLine(left, done, total, before)}`);
      };
      await requireFree(join(home, file.name), file.size);
      const came = await download(file, join(home, file.name), { signal, onProgress });
      bytes += came;
      terminal.say(`${join(home, file.name)}: ${came === 0 ? 'there already' : `${megabytes(came)} MB`}`);
    }
    if (json) terminal.print(JSON.stringify({ folder: home, files: files.map(({ name }) => name), bytes }));
  },
});

/**
 * @throws IdiolectError OUTPUT where the path is taken by anything but the file to download, which may be the user's
 * own
 */
async function requireFree(path: string, size: number | undefined): Promise<void> {
  const there = await stat(path).catch(() => null);
  if (!there?.isFile()) return requireReplaceable(path);
  if (size === undefined || there.size === size) return;
  throw new IdiolectError(
    'OUTPUT',
    `${path} is there already and has ${there.size} bytes instead of ${size}. Choose another --out, or remove it.`,
  );
}
