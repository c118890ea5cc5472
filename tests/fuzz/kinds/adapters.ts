/** Adapters in PEFT's format, a stranger's and our own. */
import { readAdapter } from '../../../src/model/adapter.ts';
import { readAdapterCard } from '../../../src/model/adapter-card.ts';
import { openCheckpoint } from '../../../src/model/checkpoint.ts';
import { type Files, filesIn, fixture, type Kind } from '../kind.ts';

const SHAPES = ['llama-mha', 'llama-bias', 'llama-gqa-tied', 'mistral-window', 'qwen2', 'qwen3', 'llama-patterns'];

/** The same adapter, its modules named by a pattern, and with the settings that newer versions of PEFT write. */
function withPattern(files: Files): Files {
  const config = JSON.parse(files['adapter_config.json']!.toString());
  const layers = config.layers_to_transform ? `.*layers\\.(${[config.layers_to_transform].flat().join('|')})\\.` : '';
  const names = [config.target_modules].flat().join('|');
  const more = {
    target_modules: `${layers}(.*\\.)?(${names})`,
    layers_to_transform: null,
    use_dora: false,
  };
  return { ...files, 'adapter_config.json': Buffer.from(JSON.stringify({ ...config, ...more })) };
}

const CARD = {
  base: { name: 'a/model', fingerprint: 'f'.repeat(64) },
  prompt: { template: 'plain', chat: 'auto', date: '2026-01-01' },
};

export const adapters: Kind = async () => {
  const readings = SHAPES.map(async name => {
    const checkpoint = await openCheckpoint(fixture(`checkpoints/${name}`));
    const files = await filesIn(fixture(`checkpoints/${name}/adapter`));
    const card = { 'idiolect.json': Buffer.from(JSON.stringify(CARD)) };
    const read = async (folder: string) => {
      await readAdapter(folder, checkpoint);
      await readAdapterCard(folder);
    };
    return [
      { name, files: { ...files, ...card }, read },
      { name: `${name} by a pattern`, files: withPattern(files), damaged: ['adapter_config.json'], read },
    ];
  });
  return (await Promise.all(readings)).flat();
};
