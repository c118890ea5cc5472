/** What simulated commits are about: actions, things, places and circumstances, as a diff shows them and in words. */

export interface Action {
  /** The type of a conventional commit. */
  readonly label: string;
  readonly emoji: string;
  /** Three verbs for it, each in its forms; no verb stands for two actions, and no two forms of one are alike. */
  readonly verbs: readonly [string, string, string];
  /** Status letter of the changed file. */
  readonly status: 'A' | 'D' | 'M';
  /** Lines of the diff; NAME is the thing's identifier and CASE the circumstance as code. */
  readonly diff: readonly string[];
}

export const ACTIONS: readonly Action[] = [
  {
    label: 'fix',
    emoji: '🐛',
    verbs: ['fix fixed fixes fixing', 'repair repaired repairs repairing', 'correct corrected corrects correcting'],
    status: 'M',
    diff: ['-  return NAME(value);', '+  return CASE ? null : NAME(value);'],
  },
  {
    label: 'feat',
    emoji: '✨',
    verbs: ['add added adds adding', 'introduce introduced introduces introducing', 'create created creates creating'],
    status: 'A',
    diff: ['+export function NAME(value) {', '+  if (CASE) return initial;', '+}'],
  },
  {
    label: 'remove',
    emoji: '🔥',
    verbs: ['remove removed removes removing', 'drop dropped drops dropping', 'delete deleted deletes deleting'],
    status: 'D',
    diff: ['-export function NAME(value) {', '-  if (CASE) return value;', '-}'],
  },
  {
    label: 'perf',
    emoji: '⚡',
    verbs: [
      'accelerate accelerated accelerates accelerating',
      'optimise optimised optimises optimising',
      'quicken quickened quickens quickening',
    ],
    status: 'M',
    diff: ['-  for (const item of items) NAME(item);', '+  if (CASE) NAME.batch(items);'],
  },
  {
    label: 'test',
    emoji: '✅',
    verbs: ['test tested tests testing', 'check checked checks checking', 'cover covered covers covering'],
    status: 'A',
    diff: ['+  const found = NAME(sample);', '+  assert(CASE, found);'],
  },
  {
    label: 'docs',
    emoji: '📝',
    verbs: [
      'document documented documents documenting',
      'describe described describes describing',
      'explain explained explains explaining',
    ],
    status: 'M',
    diff: ['+/** NAME: what happens if CASE. */'],
  },
  {
    label: 'refactor',
    emoji: '🧹',
    verbs: [
      'simplify simplified simplifies simplifying',
      'rework reworked reworks reworking',
      'tidy tidied tidies tidying',
    ],
    status: 'M',
    diff: ['-  const NAME = CASE ? first(value) : second(value);', '+  const NAME = pick(value);'],
  },
  {
    label: 'build',
    emoji: '📦',
    verbs: [
      'update updated updates updating',
      'upgrade upgraded upgrades upgrading',
      'refresh refreshed refreshes refreshing',
    ],
    status: 'M',
    diff: ['-import { NAME } from "./old.js";', '+import { NAME } from CASE ? "./a.js" : "./b.js";'],
  },
];

/** Things in two words each; the diff has them as one identifier. */
export const THINGS = [
  ...[
    'retry loop',
    'lock file',
    'page title',
    'user list',
    'date picker',
    'error message',
    'login form',
    'image cache',
  ],
  ...['event queue', 'colour map', 'undo stack', 'font loader', 'plan editor', 'rate limit', 'task runner', 'menu bar'],
  ...[
    'input filter',
    'access token',
    'byte counter',
    'search index',
    'backup job',
    'cookie jar',
    'merge tool',
    'zip reader',
  ],
  ...[
    'chart legend',
    'invoice total',
    'sort order',
    'scroll position',
    'link preview',
    'audio player',
    'tax rule',
    'spell checker',
  ],
  ...[
    'help text',
    'key binding',
    'draft store',
    'proxy rule',
    'health probe',
    'copy button',
    'time zone',
    'welcome mail',
  ],
] as const;

export const PLACES = [
  ...['api', 'auth', 'billing', 'cli', 'dashboard', 'editor', 'exporter', 'gateway', 'importer', 'inbox', 'kernel'],
  ...['launcher', 'mailer', 'notifier', 'parser', 'planner', 'profile', 'renderer', 'router', 'scheduler', 'server'],
  ...['shop', 'viewer', 'worker'],
] as const;

/** Circumstances: in words, and as the diff tests them. */
export const CIRCUMSTANCES: readonly (readonly [words: string, code: string])[] = [
  ['for empty input', 'value.length === 0'],
  ['on slow disks', 'disk.latency > LIMIT'],
  ['in long sessions', 'session.age > DAY'],
  ['under heavy load', 'load() > 0.9'],
  ['after a restart', 'uptime() < 60'],
  ['behind a proxy', 'env.HTTP_PROXY'],
  ['without a network', '!navigator.onLine'],
  ['on first start', '!exists(home)'],
  ['in dark mode', 'theme.isDark'],
  ['for old clients', 'client.version < 3'],
  ['with large files', 'size > 1 << 30'],
  ['around midnight', 'clock.hour === 0'],
  ['for guests', 'user === null'],
  ['during shutdown', 'state.isClosing'],
  ['with two accounts', 'accounts.length > 1'],
  ['on small screens', 'screen.width < 480'],
  ['for nested lists', 'depth > 1'],
  ['with bad certificates', '!tls.verified'],
  ['on weekends', 'date.day % 6 === 0'],
  ['for negative numbers', 'value < 0'],
  ['with odd spelling', '!isAscii(value)'],
  ['after a crash', 'journal.isDirty'],
  ['without permission', '!can(user)'],
  ['on the second try', 'attempt === 2'],
];

export const EXTENSIONS = ['ts', 'py', 'go', 'rs'] as const;
