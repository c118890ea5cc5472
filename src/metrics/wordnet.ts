/**
 * English synonyms from a folder of WordNet's database files, for METEOR's third stage, found as NLTK's reader finds
 * them. The files are given by who measures (docs/decisions/0006-metrics.md says where from); none are shipped.
 *
 * Format: WordNet's manual, wndb(5WN). `index.noun` has a lemma a line with its synsets' offsets, `data.noun` a synset
 * a line that begins with its offset and names its words, `noun.exc` an irregular form a line with its base forms.
 */
import { join } from 'node:path';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { readInputText } from '../common/input-file.ts';

/** The words that share a synset with a lower-case word, those of several words left out; may hold the word itself. */
export type Synonyms = (word: string) => ReadonlySet<string>;

/** Endings that morphology takes off, and what it puts in their place: NLTK's WordNetCorpusReader. */
const PARTS_OF_SPEECH = {
  noun: 's:, ses:s, ves:f, xes:x, zes:z, ches:ch, shes:sh, men:man, ies:y',
  verb: 's:, ies:y, es:e, es:, ed:e, ed:, ing:e, ing:',
  adj: 'er:, est:, er:e, est:e',
  adv: '',
};

interface PartOfSpeech {
  readonly endings: readonly (readonly [ending: string, replacement: string])[];
  /** lemma to the offsets of its synsets */
  readonly index: ReadonlyMap<string, readonly string[]>;
  /** offset to words */
  readonly synsets: ReadonlyMap<string, readonly string[]>;
  /** irregular form to base forms */
  readonly exceptions: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads WordNet 3.0 or 3.1 (a few seconds; 50 MB of memory are kept).
 *
 * @param folder with index.*, data.* and *.exc of noun, verb, adj and adv: `dict` of Princeton's archive, or NLTK's
 *   `corpora/wordnet`, which is 3.0
 * @throws IdiolectError DATA where a file is missing or is none of WordNet's
 */
export async function readWordNet(folder: string): Promise<Synonyms> {
  const parts = await Promise.all(
    Object.entries(PARTS_OF_SPEECH).map(([name, endings]) => readPartOfSpeech(folder, name, endings)),
  );
  return word => {
    const found = new Set<string>();
    for (const { endings, index, synsets, exceptions } of parts) {
      const bases =
        exceptions.get(word) ??
        endings.flatMap(([ending, replacement]) =>
          word.endsWith(ending) ? [word.slice(0, word.length - ending.length) + replacement] : [],
        );
      for (const form of [word, ...bases]) {
        for (const offset of index.get(form) ?? []) {
          for (const synonym of synsets.get(offset) ?? []) found.add(synonym);
        }
      }
    }
    return found;
  };
}

async function readPartOfSpeech(folder: string, name: string, endings: string): Promise<PartOfSpeech> {
  const index = new Map<string, readonly string[]>();
  for (const [lemma, _part, count, ...rest] of await readFields(folder, `index.${name}`)) {
    // What follows the lemma, its part of speech and the count: pointers, two more counts, then the offsets.
    index.set(lemma!, rest.slice(-Number(count)));
  }
  const synsets = new Map<string, readonly string[]>();
  for (const [offset, _file, _type, count, ...rest] of await readFields(folder, `data.${name}`)) {
    const words = Array.from({ length: Number.parseInt(count!, 16) }, (_, i) => rest[2 * i] ?? '');
    // An adjective may carry a mark of its place: "galore(ip)". An underscore joins several words.
    synsets.set(
      offset!,
      words.map(word => word.replace(/\([^()]*\)$/, '')).filter(word => !word.includes('_')),
    );
  }
  const exceptions = new Map<string, readonly string[]>();
  for (const [form, ...bases] of await readFields(folder, `${name}.exc`)) exceptions.set(form!, bases);
  return {
    endings: endings === '' ? [] : endings.split(', ').map(pair => pair.split(':') as [string, string]),
    index,
    synsets,
    exceptions,
  };
}

/** The lines of a file as fields; the licence at the head is indented, glosses follow a bar. */
async function readFields(folder: string, name: string): Promise<readonly (readonly string[])[]> {
  const path = join(folder, name);
  let text: string;
  try {
    text = await readInputText(path);
  } catch (error) {
    throw new IdiolectError(
      'DATA',
      `${reasonOf(error)} A folder of WordNet holds index.*, data.* and *.exc of noun, verb, adj and adv.`,
      { cause: error },
    );
  }
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith(' '));
  const isData = name.startsWith('data.');
  return lines.map((line, i) => {
    const fields = line.split('|', 1)[0]!.trim().split(/\s+/);
    const expected = isData
      ? /^\d{8} \d\d [nvasr] [\da-f]{2} \S+ /
      : name.startsWith('index.')
        ? /^\S+ [nvar] \d+ /
        : /\S/;
    if (!expected.test(line)) {
      throw new IdiolectError(
        'DATA',
        `${path}: line ${i + 1} after the head is none of WordNet's: "${line.slice(0, 40)}".`,
      );
    }
    return fields;
  });
}
