/** JSON with something wrong in its values: types exchanged, keys dropped, doubled or renamed, numbers at extremes. */
import type { Random } from '../../src/common/random.ts';
import { HOSTILE_TEXTS, NUMBERS, pick } from './values.ts';

type Json = Record<string, unknown> | unknown[];

/** Where a value is: an object or a list, and its key there. */
type Spot = readonly [container: Json, key: string];

/** What JSON.stringify cannot write: a number as its text, and the second of two equal keys. */
const RAW = '\u0001raw:';
const DOUBLED = '\u0001doubled:';

/** One to three values of a JSON text changed; a text that is no JSON stays as it is. */
export function mutateJson(text: string, random: Random): string {
  const root: Json = [];
  try {
    root.push(JSON.parse(text));
  } catch {
    return text;
  }
  for (let rounds = 1 + random.integer(3); rounds > 0 && root.length > 0; rounds--) {
    change(pick(spotsIn(root, random), random), random);
  }
  return JSON.stringify(root[0] ?? null)
    .replaceAll(/"\\u0001raw:([^"]*)"/g, '$1')
    .replaceAll('"\\u0001doubled:', '"');
}

/** The root, and values below it: of a long list or a large object a few alone, so that a vocabulary is not all there is. */
function spotsIn(root: Json, random: Random): Spot[] {
  const spots: Spot[] = [];
  const visit = (container: Json) => {
    const keys = Object.keys(container);
    for (const key of keys.length > 40 ? random.shuffled(keys).slice(0, 8) : keys) {
      spots.push([container, key]);
      const value = (container as Record<string, unknown>)[key];
      if (typeof value === 'object' && value !== null) visit(value as Json);
    }
  };
  visit(root);
  return spots;
}

function change([container, key]: Spot, random: Random): void {
  const values = container as Record<string, unknown>;
  const value = values[key];
  const put = (name: string, one: unknown) =>
    Object.defineProperty(values, name, { value: one, enumerable: true, configurable: true, writable: true });
  const chance = random.uniform();
  if (chance < 0.3) put(key, other(value, random));
  else if (chance < 0.45) put(key, pick([null, [], {}, '', true, false, 0, [null], { a: {} }, [[]]], random));
  else if (chance < 0.6) put(key, `${RAW}${pick(NUMBERS, random)}`);
  else if (chance < 0.7) put(key, Array.isArray(value) ? [...value, ...value] : [value, value]);
  else if (chance < 0.8 && Array.isArray(container)) container.splice(Number(key), 1);
  else if (chance < 0.8) delete values[key];
  else if (Array.isArray(container)) put(key, pick(HOSTILE_TEXTS, random));
  else if (chance < 0.9) put(`${DOUBLED}${key}`, other(value, random));
  else {
    put(pick(HOSTILE_TEXTS, random), value);
    if (random.uniform() < 0.5) delete values[key];
  }
}

/** Another value of the same type. */
function other(value: unknown, random: Random): unknown {
  if (typeof value === 'number') return `${RAW}${pick(NUMBERS, random)}`;
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') {
    const text = pick(HOSTILE_TEXTS, random);
    const at = random.integer(value.length + 1);
    return random.uniform() < 0.5 ? text : value.slice(0, at) + text + value.slice(at);
  }
  if (Array.isArray(value)) return value.slice(0, random.integer(value.length + 1));
  return {};
}
