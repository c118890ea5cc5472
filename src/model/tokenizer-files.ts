/** The files a tokenizer is made of, read and checked before anything is built from them. */
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { exists } from '../common/files.ts';
import { readInputJson } from '../common/input-file.ts';
import { schemaIssue } from '../common/schema-issue.ts';

type Json = Record<string, unknown>;

/** Longest pattern that is compiled; the longest in use have a few hundred characters. */
const LONGEST_PATTERN = 10_000;

const component = z.looseObject({ type: z.string() }).nullish().default(null);

const definitionSchema = z.looseObject({
  added_tokens: z
    .array(
      z.looseObject({
        id: z.int().nonnegative(),
        content: z.string(),
        special: z.boolean().optional(),
        normalized: z.boolean().optional(),
      }),
    )
    .nullish()
    .transform(tokens => tokens ?? []),
  normalizer: component,
  pre_tokenizer: component,
  post_processor: component,
  decoder: component,
  model: z.looseObject({
    type: z.string().nullish(),
    vocab: z.union([z.record(z.string(), z.int().nonnegative()), z.array(z.tuple([z.string(), z.number()]))], {
      error: 'expected an object of ids, or a list of tokens with their scores',
    }),
    merges: z
      .union([z.array(z.string()), z.array(z.tuple([z.string(), z.string()]))], { error: 'expected a list of pairs' })
      .optional(),
    unk_token: z.string().nullish(),
    unk_id: z.int().nonnegative().nullish(),
  }),
});

export type TokenizerDefinition = z.infer<typeof definitionSchema>;

/**
 * tokenizer.json of a folder.
 *
 * @throws IdiolectError TOKENIZER naming the file, the key and what was expected of it
 */
export async function readDefinition(file: string): Promise<TokenizerDefinition> {
  if (!(await exists(file))) {
    throw new IdiolectError('TOKENIZER', `${file} is missing. The model folder needs its tokenizer.`);
  }
  const parsed = definitionSchema.safeParse(await readInputJson(file, { code: 'TOKENIZER' }));
  if (!parsed.success) refuse(file, schemaIssue(parsed.error));
  const definition = parsed.data;
  const { type, vocab, merges } = definition.model;
  if (type === 'BPE' && (Array.isArray(vocab) || merges === undefined)) {
    refuse(file, '"model" of type BPE needs "vocab" as an object and "merges" as a list');
  }
  if (type === 'WordPiece' && Array.isArray(vocab)) {
    refuse(file, '"model" of type WordPiece needs "vocab" as an object');
  }
  for (const part of ['normalizer', 'pre_tokenizer', 'decoder'] as const) checkComponent(file, part, definition[part]);
  return definition;
}

/** A special token is written as a text or as an object around it. */
const tokenSchema = z
  .union([z.string(), z.looseObject({ content: z.string() }), z.literal(false)], { error: 'expected a text' })
  .nullish()
  .transform(token => (token ? (typeof token === 'string' ? token : token.content) : undefined));

const namesSchema = z.object({
  bos_token: tokenSchema,
  eos_token: tokenSchema,
  unk_token: tokenSchema,
  pad_token: tokenSchema,
  sep_token: tokenSchema,
  cls_token: tokenSchema,
  mask_token: tokenSchema,
});

const settingsSchema = z.looseObject({
  ...namesSchema.shape,
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))], {
      error: 'expected a text, or a list of named ones',
    })
    .nullish(),
});

/** tokenizer_config.json, with the special tokens it names as plain texts. */
export type TokenizerSettings = z.infer<typeof settingsSchema>;

// Some files write -1 for "none", as in config.json.
const endId = z.int().min(-1);

const generationSchema = z.looseObject({
  eos_token_id: z
    .union([endId, z.array(endId)], { error: 'expected a token id, or a list of them' })
    .nullish()
    .transform(ids => [ids ?? []].flat().filter(id => id >= 0)),
});

export function readTokenizerSettings(folder: string): Promise<TokenizerSettings> {
  return readSettings(join(folder, 'tokenizer_config.json'), settingsSchema);
}

/** Ids that end a text by generation_config.json. */
export async function readGenerationEnds(folder: string): Promise<number[]> {
  return (await readSettings(join(folder, 'generation_config.json'), generationSchema)).eos_token_id;
}

/** The special tokens by the names that chat templates have for them. */
export function specialTokens(settings: TokenizerSettings): z.infer<typeof namesSchema> {
  return namesSchema.parse(settings);
}

/** All tokens that the settings call special. */
export function namedTokens(settings: TokenizerSettings): string[] {
  const more = [settings.additional_special_tokens, settings.extra_special_tokens];
  const listed = more.flatMap(list => Object.values(list ?? {})).map(token => tokenSchema.safeParse(token).data);
  return [...Object.values(specialTokens(settings)), ...listed].filter(token => token !== undefined);
}

/** A JSON object, empty where there is no such file. */
async function readSettings<S extends z.ZodType<Json>>(file: string, schema: S): Promise<z.infer<S>> {
  const parsed = schema.safeParse((await exists(file)) ? await readInputJson(file, { code: 'TOKENIZER' }) : {});
  if (parsed.success) return parsed.data;
  throw new IdiolectError('TOKENIZER', `${file}: ${schemaIssue(parsed.error)}. Take the file from the model again.`);
}

/** Whether a definition has regular expressions of its own; those built into the library always end soon. */
export function hasPatterns({ normalizer, pre_tokenizer, decoder }: TokenizerDefinition): boolean {
  const within = (value: unknown): boolean =>
    value !== null &&
    typeof value === 'object' &&
    Object.entries(value).some(([key, inner]) => key === 'Regex' || within(inner));
  return [normalizer, pre_tokenizer, decoder].some(within);
}

function isPattern(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('String' in value || 'Regex' in value);
}

function checkComponent(file: string, place: string, value: unknown): void {
  if (value === null || typeof value !== 'object') return;
  const { Regex: pattern, type, length } = value as Json;
  const { pattern: matched } = value as Json;
  if (matched !== undefined && matched !== null && !isPattern(matched)) {
    refuse(file, `the pattern in "${place}" is neither a "String" nor a "Regex"`);
  }
  if (pattern !== undefined && (typeof pattern !== 'string' || pattern.length > LONGEST_PATTERN)) {
    refuse(file, `the pattern in "${place}" is not a text of at most ${LONGEST_PATTERN} characters`);
  }
  if (type === 'FixedLength' && !(Number.isInteger(length) && Number(length) > 0)) {
    refuse(file, `"length" in "${place}" is not a whole number above 0`);
  }
  for (const [key, inner] of Object.entries(value)) checkComponent(file, `${place}.${key}`, inner);
}

export function refuse(file: string, why: string): never {
  throw new IdiolectError('TOKENIZER', `${file} cannot be used as a tokenizer (${why}).`);
}

/** The same for what the library throws while it builds or runs a tokenizer. */
export function refuseFailed(file: string, error: unknown): never {
  if (error instanceof IdiolectError) throw error;
  refuse(file, reasonOf(error));
}
