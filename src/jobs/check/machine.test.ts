import { describe, expect, it } from 'vitest';
import { memoryFile, withFilePages } from './machine.ts';

describe('memory in a control group', () => {
  const stat = 'anon 900\nfile 6100\ninactive_anon 50\nactive_file 100\ninactive_file 6000\nslab 7\n';

  it('counts what the kernel keeps of files and would give up as available, within the limit', () => {
    expect(withFilePages(1000, 8000, stat)).toBe(7000);
    expect(withFilePages(0, 8000, stat)).toBe(6000);
    expect(withFilePages(3000, 8000, stat)).toBe(8000);
  });

  it('is what Node says where nothing is told of files', () => {
    for (const other of ['', 'anon 900\n', 'total_inactive_file 6000\n']) {
      expect(withFilePages(1000, 8000, other)).toBe(1000);
    }
  });

  it('is told in a file of its own by version 2 alone', () => {
    expect(memoryFile('0::/\n')).toBe('/sys/fs/cgroup/memory.stat');
    expect(memoryFile('0::/user.slice/one.scope\n')).toBe('/sys/fs/cgroup/user.slice/one.scope/memory.stat');
    expect(memoryFile('4:memory:/a\n0::/a\n')).toBeUndefined();
    expect(memoryFile('')).toBeUndefined();
  });
});
