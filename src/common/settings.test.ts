import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { IdiolectError } from './errors.ts';
import { resolveSettings } from './settings.ts';

const schema = z.object({
  rank: z.int().positive().default(8).describe('rank of the adapters'),
  data: z.string().describe('histories as JSON Lines'),
});

function refusalOf(values: Record<string, unknown>): IdiolectError {
  try {
    resolveSettings(schema, [{ origin: 'call', values }]);
  } catch (error) {
    if (error instanceof IdiolectError) return error;
  }
  throw new Error('accepted');
}

describe('a refused setting', () => {
  it('is told in one sentence and in parts', () => {
    const error = refusalOf({ rank: -1, data: 'x' });
    expect(error.message).toBe('`rank`: expected number to be >0. Found -1 (call).');
    expect(error.settings).toEqual(['rank']);
    expect(error.details).toEqual({ field: 'rank', expected: 'expected number to be >0.', found: '-1' });
  });

  it('that is missing has no found part, and one that does not exist names those that do', () => {
    expect(refusalOf({}).details).toEqual({ field: 'data', expected: 'histories as JSON Lines' });
    expect(refusalOf({ rnak: 4 }).details).toEqual({ field: 'rnak', expected: 'one of rank, data' });
  });
});
