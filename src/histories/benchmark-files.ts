/** Where the files of LaMP and LongLaMP are: nothing of them is shipped, everyone downloads them from their makers. */
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import type { RemoteFile } from '../hub/download.ts';
import { askHub } from '../hub/hub-api.ts';
import { namedTask } from './tasks.ts';

export interface BenchmarkFile extends RemoteFile {
  /** The file's name in its folder. */
  readonly name: string;
}

export interface BenchmarkFiles {
  readonly licence: string;
  /** One folder for each task and way of splitting, so that equal names never meet. */
  readonly folder: string;
  readonly files: readonly BenchmarkFile[];
}

export interface BenchmarkFilesOptions {
  /** `dev` is LongLaMP's `val`. */
  readonly splits: readonly ('train' | 'dev' | 'test')[];
  /** Whether users' histories are divided by time, instead of the users. */
  readonly time: boolean;
  /** An address in place of the makers' own, with the same paths below it. */
  readonly mirror?: string;
}

const LAMP = 'https://ciir.cs.umass.edu/downloads/LaMP';
const HUGGING_FACE = 'https://huggingface.co';
const LONGLAMP = 'datasets/LongLaMP/LongLaMP';

/**
 * The files of a task. For LongLaMP the Hub is asked, which gives sizes and hashes too.
 *
 * @throws IdiolectError CONFIG for an unknown task; DATA for LaMP-6, and where the Hub cannot be asked.
 */
export async function benchmarkFiles(task: string, options: BenchmarkFilesOptions): Promise<BenchmarkFiles> {
  const { name, files } = namedTask(task);
  if (!files) {
    const why = 'its e-mails belong to the Avocado collection, which the Linguistic Data Consortium licenses';
    throw new IdiolectError('DATA', `${name} cannot be downloaded: ${why}.`);
  }
  return 'lamp' in files ? lampFiles(files.lamp, options) : longLampFiles(files.longLamp, options);
}

function lampFiles(task: string, { splits, time, mirror = LAMP }: BenchmarkFilesOptions): BenchmarkFiles {
  const base = `${mirror.replace(/\/$/, '')}/${time ? 'time/' : ''}${task}`;
  // The answers of the test split are kept back by LaMP's makers.
  const names = splits.flatMap(split => [
    `${split}/${split}_questions.json`,
    ...(split === 'test' ? [] : [`${split}/${split}_outputs.json`]),
  ]);
  return {
    licence: 'LaMP is under CC BY-NC-SA 4.0: not for commercial use (lamp-benchmark.github.io).',
    folder: `${task.replace('/', '_')}${time ? '_time' : ''}`,
    files: names.map(name => ({ name: name.split('/')[1]!, url: `${base}/${name}` })),
  };
}

const repositorySchema = z.object({
  sha: z.string(),
  cardData: z.object({ license: z.union([z.string(), z.array(z.string())]).nullish() }).nullish(),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.number().nullish(),
      lfs: z.object({ sha256: z.string().nullish() }).nullish(),
    }),
  ),
});

async function longLampFiles(
  task: string,
  { splits, time, mirror = HUGGING_FACE }: BenchmarkFilesOptions,
): Promise<BenchmarkFiles> {
  const host = mirror.replace(/\/$/, '');
  const configuration = `${task}_${time ? 'temporal' : 'user'}`;
  const { sha, cardData, siblings } = await askHub(`${host}/api/${LONGLAMP}?blobs=true`, repositorySchema);
  const wanted = splits.map(split => (split === 'dev' ? 'val' : split));
  const pattern = new RegExp(
    `^(?:.*/)?${configuration}/(?:.*/)?((?:${wanted.join('|')})-\\d{5}-of-\\d{5}\\.parquet)$`,
    'i',
  );
  const files = siblings.flatMap(({ rfilename, size, lfs }) => {
    const name = pattern.exec(rfilename)?.[1];
    // By the commit, so that all parts are of one version.
    const url = `${host}/${LONGLAMP}/resolve/${sha}/${rfilename}`;
    return name ? [{ name, url, size: size ?? undefined, sha256: lfs?.sha256 ?? undefined }] : [];
  });
  if (files.length === 0) {
    throw new IdiolectError('DATA', `${host}/${LONGLAMP} lists no files of ${configuration} for ${wanted.join(', ')}.`);
  }
  const licence = [cardData?.license ?? []].flat().join(', ') || 'not stated on its card';
  return { licence: `LongLaMP's licence: ${licence} (${host}/${LONGLAMP}).`, folder: configuration, files };
}
