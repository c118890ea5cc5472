import { expect, it } from 'vitest';
import { withFirstMetric } from './first-metric.ts';

const russian = ['исправить', 'добавить', 'удалить 3'];
const english = ['fix', 'add'];

it.each([
  ['most texts in other letters', ['rouge1', 'rougeL'], false, [...russian, ...english], ['chrf', 'rouge1', 'rougeL']],
  ['half of them', ['rouge1', 'rougeL'], false, [...russian.slice(1), ...english], ['rouge1', 'rougeL']],
  ['texts without letters do not count', ['rouge1'], false, ['да', '1', '2', '3'], ['chrf', 'rouge1']],
  ['no letter at all', ['rouge1'], false, ['1', '2'], ['rouge1']],
  ['metrics that were named', ['rouge1'], true, russian, ['rouge1']],
  ['labels', ['accuracy', 'macroF1'], false, russian, ['accuracy', 'macroF1']],
] as const)('%s', (_, metrics, isGiven, references, expected) => {
  const found = withFirstMetric(metrics, isGiven, references);
  expect(found.metrics).toEqual(expected);
  expect(found.note !== undefined).toBe(expected.length > metrics.length);
});

it('says why', () => {
  expect(withFirstMetric(['rouge1'], false, [...russian, 'fix']).note).toContain('3 of 4 texts that the users wrote');
});
