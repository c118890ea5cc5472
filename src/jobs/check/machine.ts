/** Checks of the machine: whether Node, memory and devices are what training needs. */

import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path/posix';
import { reasonOf } from '../../common/errors.ts';
import { setting } from '../../common/wording.ts';
import { multiplyOn } from '../../engine/devices.ts';
import { backend, type EngineOptions } from '../../engine/session.ts';

/** What one check found. */
export interface Check {
  readonly topic: string;
  /** `wrong`: training cannot start; `note`: it can, but the user should know. */
  readonly state: 'fine' | 'note' | 'wrong';
  /** One sentence: what was found and, where it is not fine, what to do. */
  readonly found: string;
}

export interface Machine {
  readonly node: string;
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly threads: number;
  readonly processor: string;
}

export function thisMachine(): Machine {
  // In a container, the container's limit is the memory there is.
  const limit = process.constrainedMemory();
  const isLimited = limit > 0 && limit < totalmem();
  const available = process.availableMemory();
  return {
    node: process.versions.node,
    totalBytes: isLimited ? limit : totalmem(),
    availableBytes: isLimited ? withFilePages(available, limit, textOf(memoryFile(textOf(CGROUP)))) : available,
    threads: availableParallelism(),
    processor: cpus()[0]?.model.trim() || process.arch,
  };
}

const CGROUP = '/proc/self/cgroup';

/** The Linux file on what a control group uses its memory for; undefined where the group is not of version 2. */
export function memoryFile(cgroup: string): string | undefined {
  const [, group] = /^0::(\/.*)/.exec(cgroup) ?? [];
  return group === undefined ? undefined : join('/sys/fs/cgroup', group, 'memory.stat');
}

/**
 * What is available within a limit. Node counts the kernel's file cache as used, although the kernel frees inactive
 * pages as soon as memory is short; after a download they are most of the memory.
 */
export function withFilePages(available: number, limit: number, stat: string): number {
  const [, pages = 0] = /^inactive_file (\d+)$/m.exec(stat) ?? [];
  return Math.min(limit, available + Number(pages));
}

/** Empty where there is no such file. */
function textOf(file: string | undefined): string {
  try {
    return file === undefined ? '' : readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const OLDEST_NODE = [22, 18] as const;

/** Below this not even a small model can be trained. */
const LEAST_MEMORY = 1e9;

/** Checks a machine, and opens a session on each device named. */
export async function checkMachine(machine: Machine, devices: readonly EngineOptions['device'][]): Promise<Check[]> {
  const { node, totalBytes, availableBytes, threads, processor } = machine;
  const [major, minor] = node.split('.').map(Number) as [number, number];
  const isNew = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const free = `${bytesText(availableBytes)} of ${bytesText(totalBytes)} are free`;
  const checks: Check[] = [
    isNew
      ? { topic: 'Node', state: 'fine', found: node }
      : {
          topic: 'Node',
          state: 'wrong',
          found: `${node} is older than ${OLDEST_NODE.join('.')}. Install a newer Node.`,
        },
    availableBytes >= LEAST_MEMORY
      ? { topic: 'memory', state: 'fine', found: free }
      : { topic: 'memory', state: 'wrong', found: `${free}; training needs 1 GB or more. End other programs.` },
    { topic: 'processor', state: 'fine', found: `${threads} threads, ${processor}` },
  ];
  for (const device of devices) checks.push(await checkDevice(device));
  return checks;
}

const ADVICE: Readonly<Record<EngineOptions['device'], string>> = {
  cpu: 'Install idiolect again: npm ci, or npm install idiolect.',
  cuda: 'It needs an NVIDIA card and onnxruntime-node’s own download: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node.',
  webgpu: 'It needs a graphics card and its driver (Vulkan, Metal or Direct3D 12).',
};

/** Multiplies two small matrices on the device. */
async function checkDevice(device: EngineOptions['device']): Promise<Check> {
  const topic = `device ${device}`;
  try {
    const product = (await multiplyOn(device)).join(', ');
    if (product !== '7, 10, 15, 22') {
      return {
        topic,
        state: 'wrong',
        found: `a product of small whole numbers came out as ${product}. Use another device.`,
      };
    }
    const others = backend.devices.filter(name => name !== device);
    const more =
      device === 'cpu' && others.length > 0 ? `; also built in (${setting('device')}): ${others.join(', ')}` : '';
    return { topic, state: 'fine', found: `${backend.name} computes there${more}` };
  } catch (error) {
    return { topic, state: 'wrong', found: `${engineReason(error)} ${ADVICE[device]}` };
  }
}

/** The engine's own message, without its source file. */
function engineReason(error: unknown): string {
  const text = reasonOf(error).replace(/\s+/g, ' ').trim();
  return `${text.replace(/\/onnxruntime_src\/.* was false\. /, '').replace(/\.$/, '')}.`;
}

/** Bytes in a readable unit, such as `1.5 GB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(bytes < 1e11 ? 1 : 0)} GB`;
}
