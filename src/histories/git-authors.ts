/** Who wrote a commit: a pseudonym or a name for a person, and which authors are machines. */
import { sha256 } from '../common/files.ts';

/** Author names and e-mail addresses that belong to programs. */
const BOTS: readonly RegExp[] = [
  /\[bot\]/i,
  /\b(?:dependabot|renovate|greenkeeper|snyk|mergify|codecov|allcontributors|semantic-release|pre-commit-ci|github-actions)\b/i,
  /^(?:github|gitlab|bors|ci|actions-user|web-flow)$/i,
  // A name of its own that ends in bot or robot: "BrewTestBot", "k8s-ci-robot", "release bot". Not "Talbot".
  /(?:[a-z]Bot|[\s_.-](?:bot|robot))$/,
  /^(?:bot|robot)$/i,
];

/** Whether a commit's author is a program, by name and e-mail address. */
export function isBot(name: string, email: string): boolean {
  const account = email.replace(/@.*$/, '').replace(/^\d+\+/, ''); // GitHub writes 123+name@users.noreply.github.com
  return [name.trim(), account].some(text => BOTS.some(bot => bot.test(text)));
}

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
