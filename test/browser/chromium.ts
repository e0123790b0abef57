import { existsSync } from 'node:fs';

const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser's program: what CHROMIUM names, else where distributions put it. Null: there is none here. */
export function findChromium(): string | null {
  const named = process.env.CHROMIUM;
  return (named === undefined || named === '' ? usual : [named]).find((path) => existsSync(path)) ?? null;
}

/** No display, no sandbox (containers give it none), and nothing that asks the internet. */
export const chromiumFlags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const;
