/**
 * The methods of a comparison, as data. They differ only in what each does to a model; data, LoRA settings, epochs,
 * prompt template and length of answers are shared.
 */

import { IdiolectError } from '../../../common/errors.ts';
import { printable } from '../../../common/printable.ts';
import { setting } from '../../../common/wording.ts';
import type { ContrastOptions } from '../../../language-model/contrast.ts';
import type { TrainSettings } from '../../../runs/settings.ts';

/** How a user's adapter is trained, from the task-adapted model. */
export interface TrainingSpec {
  /** Methods that answer with the same adapter train it once, under this name. */
  readonly name: string;
  /** The objective: a built-in one, or one given to the comparison. */
  readonly method: TrainSettings['method'];
  /** Settings of the method's own public code that differ from this comparison's. */
  readonly settings?: Partial<TrainSettings>;
  /** Which sample of the task-adapted model the own texts are chosen over: the first, or the least personal. */
  readonly rejected?: 'first' | 'least-personal';
  /** The training whose adapters this one starts from. */
  readonly start?: 'oppu';
}

/**
 * The learning rate of a training where the comparison says `rate`. Training that starts from trained adapters takes
 * smaller steps: CoPe's public code uses 5e-6 there, after 1e-4.
 */
export function rateOf({ start }: Pick<TrainingSpec, 'start'>, rate: number): number {
  return start ? Number((rate / 20).toPrecision(6)) : rate;
}

export interface MethodSpec {
  readonly name: string;
  readonly title: string;
  /** The backbone as it is, or adapted to the task. */
  readonly model: 'base' | 'task';
  /** What comes before the request. */
  readonly prompt: 'plain' | 'examples' | 'profile';
  readonly training?: TrainingSpec;
  /** Greedy where absent. */
  readonly contrast?: ContrastOptions;
  /** A description for the table of differences. */
  readonly summary: string;
}

/** DPO's beta in CoPe's public code. */
const PAIRS = { beta: 0.01 };

const BINARY = 'own records against those of others';

const METHODS: readonly MethodSpec[] = [
  {
    name: 'base',
    title: 'Base',
    model: 'base',
    prompt: 'plain',
    summary: 'the backbone as it is, the request alone',
  },
  {
    name: 'tam',
    title: 'TAM',
    model: 'task',
    prompt: 'plain',
    summary: 'the backbone adapted to the task on users who are not evaluated',
  },
  {
    name: 'rag',
    title: 'RAG',
    model: 'task',
    prompt: 'examples',
    summary: 'TAM; records of the user that resemble the request come before it',
  },
  {
    name: 'pag',
    title: 'PAG',
    model: 'task',
    prompt: 'profile',
    summary:
      'TAM; a description of the user, written by the backbone from a sample of the records, comes before the request',
  },
  {
    name: 'oppu',
    title: 'OPPU',
    model: 'task',
    prompt: 'plain',
    training: { name: 'oppu', method: 'sft' },
    summary: 'adapter by supervised fine-tuning on own records',
  },
  {
    name: 'dpo',
    title: 'DPO',
    model: 'task',
    prompt: 'plain',
    training: { name: 'dpo', method: 'dpo', settings: PAIRS, rejected: 'first', start: 'oppu' },
    summary: 'the OPPU adapter trained on: own records against a sample of TAM for the same request, beta 0.01',
  },
  {
    name: 'cope',
    title: 'CoPe',
    model: 'task',
    prompt: 'plain',
    training: { name: 'cope', method: 'dpo', settings: PAIRS, rejected: 'least-personal', start: 'oppu' },
    contrast: { strength: 0.1, plausibility: 0.1, repetitionPenalty: 1 },
    summary:
      'as DPO, against the one of three samples that TAM finds likely and the OPPU adapter does not; decoded in contrast to TAM (strength 0.1, no repetition penalty)',
  },
  {
    name: 'kto',
    title: 'KTO',
    model: 'task',
    prompt: 'plain',
    training: { name: 'kto', method: 'kto' },
    summary: `adapter by KTO, ${BINARY}`,
  },
  {
    name: 'bco',
    title: 'BCO',
    model: 'task',
    prompt: 'plain',
    training: { name: 'bco', method: 'bco' },
    summary: `adapter by BCO, ${BINARY}`,
  },
  {
    name: 'cbpo',
    title: 'C-BPO',
    model: 'task',
    prompt: 'plain',
    training: { name: 'cbpo', method: 'cbpo' },
    summary: `adapter by C-BPO, ${BINARY}, corrected by the overlap alpha`,
  },
];

export const METHOD_NAMES: readonly string[] = METHODS.map(({ name }) => name);

/** Every training there is, those of the caller's own methods included. */
export function trainingsOf(own: readonly MethodSpec[] = []): readonly TrainingSpec[] {
  return [...METHODS, ...own].flatMap(({ training }) => training ?? []);
}

/** Prefix of the name of a method with an adapter, for its answers with retrieved records in the prompt. */
const RAG = 'rag+';

/** The same prefix of its title. */
const ON_TOP = 'RAG + ';

/**
 * The methods by name; `rag+NAME` is retrieval on top of an adapter.
 *
 * @param own the caller's own methods, in addition to the built-in ones
 * @throws IdiolectError CONFIG for an unknown or repeated name
 */
export function methodsByName(names: readonly string[], own: readonly MethodSpec[] = []): MethodSpec[] {
  const all = [...METHODS, ...own];
  requireNames(all);
  const repeated = names.find((name, i) => names.indexOf(name) < i);
  if (repeated !== undefined)
    throw new IdiolectError('CONFIG', `${setting('methods')} names "${repeated}" twice. Remove one.`);
  return names.map(name => methodByName(name, all));
}

/** The title of the method that retrieval is on top of: TAM for `rag`, OPPU for `rag+oppu`. */
export function withoutRecords({ name, title }: MethodSpec): { withoutRecords?: string } {
  if (name === 'rag') return { withoutRecords: METHODS.find(method => method.name === 'tam')!.title };
  return name.startsWith(RAG) ? { withoutRecords: title.slice(ON_TOP.length) } : {};
}

/** Checks the names, which also name folders. */
function requireNames(all: readonly MethodSpec[]): void {
  for (const [i, { name, training }] of all.entries()) {
    const taken = all.findIndex(other => other.name === name) < i;
    if (!taken && [name, training?.name ?? name].every(one => /^[\w-]{1,40}$/.test(one))) continue;
    throw new IdiolectError(
      'CONFIG',
      `a method of your own is called "${printable(name)}". Give it, and its training, a name of up to 40 letters, digits, - and _ that no other method has.`,
    );
  }
}

function methodByName(name: string, all: readonly MethodSpec[]): MethodSpec {
  const onTop = name.startsWith(RAG);
  const spec = all.find(method => method.name === (onTop ? name.slice(RAG.length) : name));
  if (spec && !onTop) return spec;
  if (spec?.training) {
    return {
      ...spec,
      name,
      title: ON_TOP + spec.title,
      prompt: 'examples',
      summary: `${spec.summary}; retrieved records come before the request`,
    };
  }
  const adapters = all.filter(({ training }) => training).map(method => RAG + method.name);
  throw new IdiolectError(
    'CONFIG',
    `${setting('methods')}: there is no method "${printable(name)}". There are ${all.map(one => one.name).join(', ')}, and ${adapters.join(', ')}.`,
  );
}
