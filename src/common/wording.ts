/**
 * How texts name a setting: in backquotes, as a configuration file and the library spell it (`queryShare`). The command
 * line turns the names into flags when it prints, so that each reader sees what to type.
 */

const NAMED = /`([a-z][A-Za-z0-9]*)`/g;

/** A setting inside a longer text. */
export function setting(key: string): string {
  return `\`${key}\``;
}

/** The settings that a text names, each once. */
export function settingsIn(text: string): string[] {
  return [...new Set([...text.matchAll(NAMED)].map(([, key]) => key!))];
}

/** `loraAlpha` as `--lora-alpha`. */
export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
}

/** A text for the command line: its settings as flags. */
export function asFlags(text: string): string {
  return text.replace(NAMED, (_, key: string) => flagName(key));
}
