/** Who wrote a commit: a pseudonym or a name for a person, and which authors are machines. */
import { sha256 } from '../common/files.ts';

/**
 * Programs by their whole name, letters and digits alone. Part of a name is not enough: Anna Jenkins is a person.
 */
const PROGRAMS = new Set(
  `actionsuser allcontributors appveyor azuredevops azurepipelines bitbucketpipelines bors buildbot buildkite ci circleci
  claude claudecode cloudbuild codecov codefactor codeship copilot copilotsweagent coveralls crowdin cursoragent deepsource
  dependabot dependabotpreview deploybot devinai drone droneci fossa gerrit gerritcodereview github githubactions
  githubcopilot githubmergequeue gitlab gitlabci gitlocalize gocd googlecloudbuild greenkeeper greenkeeperio homu
  hostedweblate imgbot jenkins jenkinsci jenkinsbuild jules lgtm lokalise mergify netlify netlifycms openhands poeditor
  precommitci prow pullapprove pyup pyupbot readthedocs releaseplease renovate renovatebot restyled rultor semanticrelease
  snyk sonarcloud sonatypelift sourcery stickler teamcity transifex transifexintegration travis travisci vercel webflow
  weblate zuul`.split(/\s+/),
);

/** A name or account that says itself that it is one: "BrewTestBot", "k8s-ci-robot", "release bot". Not "Talbot". */
const SAYS_BOT: readonly RegExp[] = [
  /\[bot\]/i,
  /\(bot\)/i,
  /(?:[a-z0-9]Bot|[\s_.-](?:bot|robot))$/,
  /^(?:bot|robot)$/i,
  // Bot is a surname too (Thomas Bot): with a capital after a space it takes a word that is no first name.
  /\b(?:auto\w*|build|bump|ci|commit|deploy\w*|format\w*|github|merge|release|renovate|sync|test|translat\w+|update\w*|version\w*|web)[\s_-]?(?:ro)?bot\b/i,
];

/** Addresses that only programs write from. */
const PROGRAM_ADDRESSES =
  /^(?:(?:no-?reply|actions|action|copilot)@github\.com|(?:hosted|noreply)@weblate\.org|noreply-.*@weblate\.org|.*@(?:.*\.)?(?:renovateapp\.com|dependabot\.com|greenkeeper\.io|pyup\.io|mergify\.io|gitlocalize\.com)|(?:support|bot|snyk-bot)(?:\+bot)?@(?:dependabot\.com|snyk\.io|crowdin\.com|transifex\.com)|noreply@anthropic\.com|cursoragent@cursor\.com|.*\.gserviceaccount\.com)$/i;

/** Whether a commit's author is a program, by name and e-mail address. */
export function isBot(name: string, email: string): boolean {
  const account = email.replace(/@.*$/, '').replace(/^\d+\+/, ''); // GitHub writes 123+name@users.noreply.github.com
  if (PROGRAM_ADDRESSES.test(email.trim()) || PROGRAMS.has(plain(name))) return true;
  if ([name.trim(), account].some(text => SAYS_BOT.some(bot => bot.test(text)))) return true;
  // A program's account with a person's name beside it is that person's: jenkins@example.org of Anna Jenkins.
  return PROGRAMS.has(plain(account)) && !/\S\s+\S/.test(name.trim());
}

const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** The salt where none is given: fixed, so that a user keeps the name of an adapter from one import to the next. */
const DEFAULT_SALT = 'idiolect';

/**
 * Makes the function that names authors: `u` and the first 8 hexadecimal digits of SHA-256(salt, e-mail address in
 * lower case). Should two addresses of a run meet in 8 digits, the later one is given 16: two people are never one.
 *
 * It keeps names out of data, logs and folder names. It is no anonymity: whoever knows the address and the salt can
 * compute the pseudonym, and whoever has the repository can look a commit up.
 */
export function pseudonyms(salt: string = DEFAULT_SALT): (email: string) => string {
  const owner = new Map<string, string>();
  return email => {
    const address = email.trim().toLowerCase();
    const digest = sha256(salt, '\u0000', address);
    for (const length of [8, 16, digest.length]) {
      const name = `u${digest.slice(0, length)}`;
      if ((owner.get(name) ?? address) !== address) continue;
      owner.set(name, address);
      return name;
    }
    return `u${digest}`;
  };
}
