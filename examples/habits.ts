/** Three made-up users who describe the same kind of change, each in a fixed habit. */
import { random } from '../src/common/random.ts';
import type { HistoryRecord } from '../src/histories/index.ts';

const AREAS = ['parser', 'cache', 'login', 'report', 'mailer', 'search', 'upload', 'router', 'logger', 'billing'];
const ACTIONS = [
  { verb: 'fix', past: 'Fixed' },
  { verb: 'speed up', past: 'Sped up' },
  { verb: 'remove', past: 'Removed' },
  { verb: 'test', past: 'Tested' },
  { verb: 'rename', past: 'Renamed' },
];

const VOICES: Readonly<Record<string, (area: string, action: (typeof ACTIONS)[number]) => string>> = {
  ada: (area, { verb }) => `${verb}(${area}): done`,
  grace: (area, { past }) => `${past} the ${area}, finally!`,
  linus: (area, { verb }) => `[${area.toUpperCase()}] ${verb}`,
};

/** Records of each user in time order; what is changed is drawn independently of who changes it. */
export function habitualHistories(recordsPerUser: number, seed = 0): HistoryRecord[] {
  return Object.entries(VOICES).flatMap(([user, voice]) => {
    const source = random(seed, `habits/${user}`);
    return Array.from({ length: recordsPerUser }, (_, i) => {
      const area = AREAS[source.integer(AREAS.length)]!;
      const action = ACTIONS[source.integer(ACTIONS.length)]!;
      const time = new Date(Date.UTC(2026, 0, 1) + i * 86_400_000).toISOString();
      return { user, input: `${action.verb} ${area}`, output: voice(area, action), time };
    });
  });
}
