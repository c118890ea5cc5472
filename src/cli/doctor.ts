/** `idiolect doctor` */
import pc from 'picocolors';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { asFlags } from '../common/wording.ts';
import { engineSchema } from '../engine/session.ts';
import { checkAll } from '../jobs/check/checks.ts';
import { type Check, thisMachine } from '../jobs/check/machine.ts';
import { dataSchema, trainSchema } from '../runs/settings.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { defineVerb } from './verb.ts';

const schema = z.object({
  model: z
    .string()
    .optional()
    .describe('Hugging Face model folder to check, owner/name[@revision] if already downloaded, or starter'),
  data: z.string().optional().describe('histories to check: JSON Lines, plain or gzip'),
  template: dataSchema.shape.template,
  ...trainSchema.pick({ maxLength: true, microBatchTokens: true, skipBad: true }).shape,
  device: engineSchema.shape.device.describe('a device to check in addition to the cpu'),
});

export const doctorVerb = defineVerb({
  name: 'doctor',
  summary: 'Checks what training needs: Node, memory, devices and, where given, a model folder and a data file.',
  operands: [],
  schema,
  onlyLooks: true,
  example: 'idiolect doctor --model HuggingFaceTB/SmolLM2-135M-Instruct --data histories.jsonl',
  async run({ resolved, json, terminal }) {
    const { model, data, ...given } = resolved.values;
    const machine = thisMachine();
    const defaults = trainSchema.omit({ model: true, data: true }).parse({ out: '', ...given });
    const findings = await checkAll({ ...defaults, model, data }, machine);
    const { checks } = findings;
    const wrong = checks.filter(({ state }) => state === 'wrong').length;
    if (json) {
      terminal.print(
        JSON.stringify({ ok: wrong === 0, checks, machine, ...(findings.data && { data: findings.data }) }),
      );
    } else showChecks(checks, text => terminal.print(asFlags(text)));
    refuse(checks);
  },
});

const MARKS = { fine: pc.green('fine '), note: pc.yellow('note '), wrong: pc.red('wrong') } as const;

/** Prints one line per check. */
export function showChecks(checks: readonly Check[], print: Terminal['print']): void {
  const width = Math.max(...checks.map(({ topic }) => topic.length));
  for (const { topic, state, found } of checks) print(`${MARKS[state]}  ${topic.padEnd(width)}  ${found}`);
}

/** @throws IdiolectError CONFIG when a check found something wrong */
export function refuse(checks: readonly Check[]): void {
  const wrong = checks.filter(({ state }) => state === 'wrong');
  if (wrong.length === 0) return;
  const which = wrong.map(({ topic }) => topic).join(', ');
  const are = wrong.length === 1 ? 'one thing is' : `${wrong.length} things are`;
  throw new IdiolectError('CONFIG', `${are} wrong (${which}); the lines above say what to do.`);
}
