// chromium_client.mjs ECHO_URL COMMAND_URL - a page in a headless browser holds the conversation.
//
// The page has an origin of its own, as pages have. The command server lets every page connect and echoes
// too; the echo server keeps to the default and refuses pages from elsewhere. The browser trusts the authority
// that Node was told to trust, if any: it looks for that in a database of its user.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { converse } from './conversation.mjs';

const [echoUrl, commandUrl] = process.argv.slice(2);
const deflate = process.env.DEFLATE === '1';
const site = createServer((_, response) => response.end('<!doctype html><title>caraway</title>'));
await new Promise((resolve) => { site.listen(0, '127.0.0.1', resolve); });
const home = mkdtempSync(join(tmpdir(), 'caraway-chromium-'));
const authority = process.env.NODE_EXTRA_CA_CERTS;
if (authority) {
  const database = join(home, '.pki/nssdb');
  mkdirSync(database, { recursive: true });
  execFileSync('certutil', ['-N', '-d', `sql:${database}`, '--empty-password']);
  execFileSync('certutil', ['-A', '-d', `sql:${database}`, '-n', 'tests', '-t', 'C,,', '-i', authority]);
}
const browser = await chromium.launch({
  env: { ...process.env, HOME: home },
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync', '--no-first-run',
    '--disable-dev-shm-usage'],
});
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
  const count = await page.evaluate(`(${converse})('${commandUrl}', '${commandUrl}', WebSocket, ${deflate})`);

  const refused = await page.evaluate((url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve(false);
    socket.onerror = () => resolve(true);
  }), echoUrl);
  if (!refused) throw new Error('a page from elsewhere may connect');
  console.log(`${count + 1} exchanges`);
} finally {
  await browser.close();
  site.close();
  rmSync(home, { recursive: true, force: true, maxRetries: 10 });
}
