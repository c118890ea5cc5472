/** A model on a file server, told and served as the Hugging Face Hub does. */
import { createHash } from 'node:crypto';
import { sha256 } from '../../src/common/files.ts';
import type { FileServer, ServedFile } from './file-server.ts';

export interface HubModelOptions {
  /** A branch or tag; default `main`. */
  readonly revision?: string;
  readonly commit?: string;
  /** The files in place of what is true of them, by name. */
  readonly told?: Readonly<Record<string, { readonly size?: number; readonly blobId?: string }>>;
}

export const gitBlob = (content: Buffer) =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

/** Weights are large files (LFS) to the Hub, all else lies in git. Returns each file as it is served. */
export function serveModel(
  server: FileServer,
  id: string,
  contents: Readonly<Record<string, Buffer>>,
  { revision = 'main', commit = 'c'.repeat(40), told = {} }: HubModelOptions = {},
): Map<string, ServedFile> {
  const served = new Map<string, ServedFile>();
  const siblings = Object.entries(contents).map(([rfilename, content]) => {
    const isLarge = rfilename.endsWith('.safetensors');
    const hash = isLarge ? sha256(content) : gitBlob(content);
    const file: ServedFile = { content, etag: `"${hash}"` };
    served.set(rfilename, file);
    server.files.set(`/${id}/resolve/${commit}/${rfilename}`, file);
    const lfs = isLarge && { lfs: { sha256: hash, size: content.length, pointerSize: 134 } };
    return { rfilename, size: content.length, blobId: gitBlob(content), ...lfs, ...told[rfilename] };
  });
  const listing = { content: Buffer.from(JSON.stringify({ id, sha: commit, gated: false, siblings })) };
  for (const name of [revision, commit]) {
    server.files.set(`/api/models/${id}/revision/${encodeURIComponent(name)}`, listing);
  }
  return served;
}
