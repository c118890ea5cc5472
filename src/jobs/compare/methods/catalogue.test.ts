/** The methods by name: all of the paper's table, retrieval on top of an adapter, and names that are none. */
import { describe, expect, it } from 'vitest';
import { METHOD_NAMES, methodsByName } from './catalogue.ts';

const method = (name: string) => methodsByName([name])[0]!;

describe('the catalogue', () => {
  it('has every method of the table, in its order', () => {
    expect(METHOD_NAMES).toEqual(['base', 'tam', 'rag', 'pag', 'oppu', 'dpo', 'cope', 'kto', 'bco', 'cbpo']);
    expect(methodsByName(['cbpo', 'base']).map(({ title }) => title)).toEqual(['C-BPO', 'Base']);
  });

  it('adapts all but base to the task, and starts pairs from OPPU as CoPe’s public code does', () => {
    const specs = methodsByName(METHOD_NAMES);
    expect(specs.filter(({ model }) => model === 'base').map(({ name }) => name)).toEqual(['base']);
    const pairs = specs.flatMap(({ training }) => (training?.method === 'dpo' ? [training] : []));
    expect(pairs).toEqual([
      { name: 'dpo', method: 'dpo', settings: { beta: 0.01 }, rejected: 'first', start: 'oppu' },
      { name: 'cope', method: 'dpo', settings: { beta: 0.01 }, rejected: 'least-personal', start: 'oppu' },
    ]);
    expect(specs.filter(({ contrast }) => contrast).map(({ name }) => name)).toEqual(['cope']);
  });

  it('puts retrieved records before the request of any method with an adapter, and changes nothing else of it', () => {
    for (const name of ['oppu', 'dpo', 'cope', 'kto', 'bco', 'cbpo']) {
      const { summary, title, ...alone } = method(name);
      expect(method(`rag+${name}`)).toEqual({
        ...alone,
        name: `rag+${name}`,
        title: `RAG + ${title}`,
        prompt: 'examples',
        summary: `${summary}; retrieved records come before the request`,
      });
    }
  });

  it.each(['sft', 'rag+tam', 'rag+base', 'rag+pag', 'rag+rag', 'rag+', 'rag+rag+oppu', 'OPPU', ''])(
    '"%s" is no method',
    name => {
      expect(() => methodsByName(['base', name])).toThrow(
        `\`methods\`: there is no method "${name}". There are base, tam, rag, pag, oppu, dpo, cope, kto, bco, cbpo, and ` +
          'rag+oppu, rag+dpo, rag+cope, rag+kto, rag+bco, rag+cbpo.',
      );
    },
  );

  it('takes no name twice', () => {
    expect(() => methodsByName(['tam', 'rag+oppu', 'oppu', 'rag+oppu'])).toThrow(
      '`methods` names "rag+oppu" twice. Remove one.',
    );
  });
});
