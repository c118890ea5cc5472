/** `idiolect generate` */
import { z } from 'zod';
import { random } from '../common/random.ts';
import { renderPrompt, templateText } from '../histories/index.ts';
import { LanguageModel } from '../runtime/language-model.ts';
import { samplingSchema } from '../runtime/sampler.ts';
import { engineSchema } from '../runtime/session.ts';
import { dataSchema, trainSchema } from '../training/settings.ts';
import type { Verb } from './verb.ts';

const generateSchema = z.object({
  model: trainSchema.shape.model,
  adapter: z.string().optional().describe('adapter folder in PEFT’s format (default: the model alone)'),
  prompt: z.string().optional().describe('the input; put into the template (default: read from standard input)'),
  ...dataSchema.pick({ template: true, chat: true }).shape,
  maxTokens: z.int().positive().default(100).describe('stop after this many new tokens'),
  ...samplingSchema.shape,
  seed: z.int().nonnegative().default(0).describe('seed of the sampling'),
  ...engineSchema.shape,
});

export const generateVerb: Verb = {
  name: 'generate',
  summary: 'Streams what the model writes after a prompt, in the voice of an adapter.',
  operands: [],
  schema: generateSchema,
  example:
    'idiolect generate --model HuggingFaceTB/SmolLM2-135M-Instruct --adapter runs/first/adapters/alice --prompt "..."',
  async run({ resolved, json, terminal, signal }) {
    const settings = resolved.values as z.infer<typeof generateSchema>;
    templateText(settings.template);
    const input = settings.prompt ?? (await readStandardInput());
    const { device, threads } = settings;
    const model = await LanguageModel.load(settings.model, { device, threads });
    try {
      model.tokenizer.requirePlain(templateText(settings.template));
      const adapter = settings.adapter === undefined ? undefined : await model.loadAdapter(settings.adapter);
      const pieces = model.generate(renderPrompt(settings.template, { input }), {
        ...settings,
        adapter,
        random: random(settings.seed, 'generate'),
        signal,
      });
      let text = '';
      for await (const piece of pieces) {
        text += piece;
        if (!json) terminal.write(piece);
      }
      terminal.print(json ? JSON.stringify({ text }) : '');
    } finally {
      await model.close();
    }
  },
};

async function readStandardInput(): Promise<string> {
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  return text.replace(/\n$/, '');
}
