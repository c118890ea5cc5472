/** `idiolect generate` */
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { random } from '../common/random.ts';
import { flagName } from '../common/wording.ts';
import { renderPrompt, templateText } from '../histories/index.ts';
import { adapterFolder, type RecordedRun, readRun, requireSame } from '../jobs/open-run.ts';
import { type Cut, LanguageModel } from '../language-model/language-model.ts';
import { modelEngineSchema } from '../language-model/model-session.ts';
import { samplingSchema } from '../language-model/sampler.ts';
import { otherBase } from '../model/adapter-base.ts';
import { type AdapterCard, readAdapterCard } from '../model/adapter-card.ts';
import { DEFAULT_PROMPT_DATE } from '../model/prompt-date.ts';
import { dataSchema, trainSchema } from '../runs/settings.ts';
import { readStandardInput } from './standard-input.ts';
import { defineVerb } from './verb.ts';

const { template, chat, promptDate } = dataSchema.shape;

const generateSchema = z.object({
  model: trainSchema.shape.model.optional().describe(`${trainSchema.shape.model.description} (default: that of --run)`),
  adapter: z.string().optional().describe('adapter folder in PEFT’s format (default: the model alone)'),
  run: z.string().optional().describe('run folder written by idiolect train, with --user'),
  user: z.string().optional().describe('whose adapter of --run to use, by the name in the histories'),
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
    'date that chat templates use as today’s, YYYY-MM-DD ' +
      `(default: what the adapter was trained with, else ${DEFAULT_PROMPT_DATE})`,
  ),
  maxTokens: z.int().positive().default(100).describe('stop after this many new tokens'),
  ...samplingSchema.shape,
  seed: z.int().nonnegative().default(0).describe('seed of the sampling'),
  ...modelEngineSchema.shape,
});

type GenerateSettings = z.infer<typeof generateSchema>;

export const generateVerb = defineVerb({
  name: 'generate',
  summary: 'Streams what the model writes after a prompt, in the voice of an adapter.',
  operands: [],
  schema: generateSchema,
  example: 'idiolect generate --run runs/first --user alice --prompt "..."',
  async run({ resolved, json, terminal, signal }) {
    const settings = resolved.values;
    const { name, adapterPath, card, run } = await voiceOf(settings);
    const form = promptForm(settings, card);
    const text = templateText(form.template);
    for (const note of differences(settings, card)) terminal.say(note);
    const { maxTokens, temperature, topP } = settings;
    const onNotice = (message: string) => terminal.say(`note: ${message}`);
    const model = await LanguageModel.load(name, settings, { promptDate: form.date, onNotice, signal });
    try {
      model.tokenizer.requirePlain(text);
      if (run) requireSame('model', name, run.sources.model, model.checkpoint.fingerprint);
      const adapter = adapterPath === undefined ? undefined : await model.loadAdapter(adapterPath);
      const note = adapterPath === undefined ? undefined : await otherBase(adapterPath, card, model.checkpoint);
      if (note !== undefined) terminal.say(`note: ${note}`);
      const input = settings.prompt ?? (await readStandardInput('Shorten the prompt.')).replace(/\n$/, '');
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
});

const CUTS: Record<Cut, (maxTokens: number) => string> = {
  prompt: () => 'the prompt is longer than the model can read, and its beginning was cut',
  tokens: maxTokens => `the text was cut at --max-tokens ${maxTokens}`,
  positions: () => 'the text was cut at the longest sequence the model can read',
};

interface Voice {
  /** The model's folder, or its name on the Hub. */
  readonly name: string;
  readonly adapterPath?: string | undefined;
  readonly card?: AdapterCard | undefined;
  readonly run?: RecordedRun;
}

/** @throws IdiolectError USAGE where the flags name no model, or two adapters; DATA where the user has no adapter */
async function voiceOf({ model, adapter, run: place, user }: GenerateSettings): Promise<Voice> {
  if (place === undefined) {
    if (user !== undefined) throw new IdiolectError('USAGE', '--user needs --run, the run folder with the adapter.');
    if (model === undefined) throw new IdiolectError('USAGE', '--model is missing. Give it, or --run and --user.');
    return {
      name: model,
      adapterPath: adapter,
      card: adapter === undefined ? undefined : await readAdapterCard(adapter),
    };
  }
  if (adapter !== undefined) throw new IdiolectError('USAGE', 'Give either --adapter, or --run and --user.');
  if (user === undefined) throw new IdiolectError('USAGE', '--run needs --user, whose adapter is to be used.');
  const run = await readRun({ run: place, ...(model !== undefined && { model }) });
  const adapterPath = await adapterFolder(run, user);
  return { name: run.settings.model, adapterPath, card: (await readAdapterCard(adapterPath)) ?? cardOf(run), run };
}

/** The card of an adapter made before adapters had cards. */
function cardOf({ settings: { model, template, chat, promptDate }, sources }: RecordedRun): AdapterCard {
  return {
    base: { name: model, fingerprint: sources.model },
    prompt: { template, chat, date: promptDate ?? DEFAULT_PROMPT_DATE },
  };
}

type PromptForm = AdapterCard['prompt'];

/** How prompts are made: as the flags say, else as in the adapter's training. */
function promptForm(settings: GenerateSettings, card: AdapterCard | undefined): PromptForm {
  return {
    template: settings.template ?? card?.prompt.template ?? 'plain',
    chat: settings.chat ?? card?.prompt.chat ?? 'auto',
    date: settings.promptDate ?? card?.prompt.date ?? DEFAULT_PROMPT_DATE,
  };
}

/** A sentence for each flag that makes prompts differ from the adapter's training. */
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
