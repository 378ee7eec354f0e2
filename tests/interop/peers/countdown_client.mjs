// countdown_client.mjs URL - a headless browser opens the page and says what it shows, one after the other.
import { chromium } from 'playwright-core';

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync', '--no-first-run',
    '--disable-dev-shm-usage'],
});
try {
  const page = await browser.newPage();
  await page.addInitScript(() => {
    window.shown = [];
    const Plain = window.WebSocket;
    window.WebSocket = class extends Plain {
      constructor(url) {
        super(url);
        this.addEventListener('message', (event) => { window.shown.push(event.data); });
      }
    };
  });
  await page.goto(process.argv[2]);
  await page.waitForFunction(() => document.title.startsWith('closed'), null, { timeout: 30000 });
  console.log(`shown ${(await page.evaluate('window.shown')).join(' ')}`);
  console.log(`page ${await page.textContent('#show')}, ${await page.title()}`);
} finally {
  await browser.close();
}
