/** The command line from its sources, for tests that start it as a process of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { main } from '../../src/cli/main.ts';

const SELF = fileURLToPath(import.meta.url);

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `idiolect` with arguments; `onError` sees what it says while it runs and may send it a signal. */
export function idiolect(
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly input?: string;
    /** A stream whose reader goes away, at once or after what came first, as `| true` and `| head -1` do. */
    readonly closed?: { readonly stream: 'stdout' | 'stderr'; readonly after: 'nothing' | 'something' };
    readonly onError?: (stderr: string, kill: (signal: NodeJS.Signals) => void) => void;
  } = {},
): Promise<Finished> {
  return new Promise(resolve => {
    // Plain text, whatever the terminal or the build server can show.
    const env = { ...process.env, NO_COLOR: '1', ...options.env };
    const child = spawn(process.execPath, [SELF, ...args], { env, cwd: options.cwd });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text;
      options.onError?.(stderr, signal => child.kill(signal));
    });
    const { stream, after } = options.closed ?? {};
    if (stream) {
      const reader = child[stream];
      if (after === 'nothing') reader.destroy();
      else reader.once('data', () => reader.destroy());
    }
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    child.stdin.end(options.input ?? '');
  });
}

if (process.argv[1] === SELF) await main(process.argv.slice(2));
