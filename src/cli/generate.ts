/** `idiolect generate` */
import { z } from 'zod';
import { random } from '../common/random.ts';
import { flagName } from '../common/settings.ts';
import { renderPrompt, templateText } from '../histories/index.ts';
import { type AdapterCard, readAdapterCard } from '../model/adapter-card.ts';
import { DEFAULT_PROMPT_DATE } from '../model/prompt-date.ts';
import { type Cut, LanguageModel } from '../runtime/language-model.ts';
import { samplingSchema } from '../runtime/sampler.ts';
import { engineSchema } from '../runtime/session.ts';
import { dataSchema, trainSchema } from '../training/settings.ts';
import type { Verb } from './verb.ts';

const { template, chat, promptDate } = dataSchema.shape;

const generateSchema = z.object({
  model: trainSchema.shape.model,
  adapter: z.string().optional().describe('adapter folder in PEFT’s format (default: the model alone)'),
  prompt: z.string().optional().describe('the input; put into the template (default: read from standard input)'),
  template: template
    .unwrap()
    .optional()
    .describe(`${template.description} (default: what the adapter was trained with, else plain)`),
  chat: chat
    .unwrap()
    .optional()
    .describe(`${chat.description} (default: what the adapter was trained with, else auto)`),
  promptDate: promptDate.describe(
    'day that chat templates are told is today, as YYYY-MM-DD ' +
      `(default: what the adapter was trained with, else ${DEFAULT_PROMPT_DATE})`,
  ),
  maxTokens: z.int().positive().default(100).describe('stop after this many new tokens'),
  ...samplingSchema.shape,
  seed: z.int().nonnegative().default(0).describe('seed of the sampling'),
  ...engineSchema.shape,
});

type GenerateSettings = z.infer<typeof generateSchema>;

export const generateVerb: Verb = {
  name: 'generate',
  summary: 'Streams what the model writes after a prompt, in the voice of an adapter.',
  operands: [],
  schema: generateSchema,
  example:
    'idiolect generate --model HuggingFaceTB/SmolLM2-135M-Instruct --adapter runs/first/adapters/alice --prompt "..."',
  async run({ resolved, json, terminal, signal }) {
    const settings = resolved.values as GenerateSettings;
    const card = settings.adapter === undefined ? undefined : await readAdapterCard(settings.adapter);
    const form = promptForm(settings, card);
    const text = templateText(form.template);
    for (const note of differences(settings, card)) terminal.say(note);
    const { device, threads, maxTokens, temperature, topP } = settings;
    const model = await LanguageModel.load(settings.model, { device, threads }, { promptDate: form.date });
    try {
      model.tokenizer.requirePlain(text);
      if (card && card.base.fingerprint !== model.checkpoint.fingerprint) {
        terminal.say(`note: the adapter was trained on another model, ${card.base.name}; its text may make no sense`);
      }
      const adapter = settings.adapter === undefined ? undefined : await model.loadAdapter(settings.adapter);
      const input = settings.prompt ?? (await readStandardInput());
      const cuts = new Set<Cut>();
      const pieces = model.generate(renderPrompt(form.template, { input }), {
        ...{ maxTokens, temperature, topP, chat: form.chat },
        ...(adapter && { adapter }),
        random: random(settings.seed, 'generate'),
        onCut: cut => cuts.add(cut),
        signal,
      });
      let written = '';
      for await (const piece of pieces) {
        written += piece;
        if (!json) terminal.write(piece);
      }
      terminal.print(json ? JSON.stringify({ text: written }) : '');
      for (const cut of cuts) terminal.say(`note: ${CUTS[cut](maxTokens)}`);
    } finally {
      await model.close();
    }
  },
};

const CUTS: Record<Cut, (maxTokens: number) => string> = {
  prompt: () => 'the prompt is longer than the model can read and lost its beginning',
  tokens: maxTokens => `the text was cut at --max-tokens ${maxTokens}`,
  positions: () => 'the text was cut where the longest sequence of the model ends',
};

type PromptForm = AdapterCard['prompt'];

/** How prompts are made: by a flag, else as in the adapter's training. */
function promptForm(settings: GenerateSettings, card: AdapterCard | undefined): PromptForm {
  return {
    template: settings.template ?? card?.prompt.template ?? 'plain',
    chat: settings.chat ?? card?.prompt.chat ?? 'auto',
    date: settings.promptDate ?? card?.prompt.date ?? DEFAULT_PROMPT_DATE,
  };
}

/** A sentence for each flag that makes prompts otherwise than in the adapter's training. */
function differences(settings: GenerateSettings, card: AdapterCard | undefined): string[] {
  if (!card) return [];
  const { template, chat, date } = card.prompt;
  const trained = { template, chat, promptDate: date };
  return (['template', 'chat', 'promptDate'] as const).flatMap(key => {
    const [given, there] = [settings[key], trained[key]];
    if (given === undefined || given === there) return [];
    return [
      `note: the adapter was trained with ${flagName(key)} ${JSON.stringify(there)}, not ${JSON.stringify(given)}`,
    ];
  });
}

async function readStandardInput(): Promise<string> {
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  return text.replace(/\n$/, '');
}
