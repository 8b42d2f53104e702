// What a user of VS Code sees and does. `vscode.sh` starts it with NODE_MODULES, VSIX, PROJECT and WORK, a scratch directory.
//
// PROJECT holds MIGRATION, which is pending and can be split, and REPORT, which is no migration.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const { NODE_MODULES, VSIX, PROJECT, WORK, SAFESTEP_SCREENSHOTS } = process.env;
const { chromium } = createRequire(path.join(NODE_MODULES, 'x.js'))('playwright-core');

const MIGRATION = 'db/migrations/20240610120000_order_currency.sql';
const REPORT = 'reports/monthly.sql';

/** What the editor is asked for is there within this time, in milliseconds, on a machine that does much else. */
const PATIENCE = 90_000;
/** The whole must end, whatever hangs. */
const LIMIT = 8 * 60_000;

const SETTINGS = {
  'security.workspace.trust.enabled': false,
  'security.workspace.trust.startupPrompt': 'never',
  'workbench.startupEditor': 'none',
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'git.enabled': false,
  'editor.hover.delay': 100,
  'editor.minimap.enabled': false,
  'window.autoDetectColorScheme': true,
};

async function main() {
  const server = await start();
  let page;
  try {
    const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark' });
    page.setDefaultTimeout(PATIENCE);
    for (const step of [findings, status, hover, timeline, light, plan, quiet, restricted, split]) {
      const begun = Date.now();
      await step(page, server.url);
      console.log(`${step.name}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    }
    await browser.close();
  } catch (error) {
    await page?.screenshot({ path: path.join(SAFESTEP_SCREENSHOTS ?? WORK, 'failed.png') }).catch(() => undefined);
    console.error(server.told());
    throw error;
  } finally {
    await server.stop();
  }
}

/** Squiggles, and hints behind statements. */
async function findings(page, url) {
  await open(page, url, MIGRATION);
  await page.locator('.squiggly-error, .squiggly-warning').first().waitFor();
  await line(page, 'ADD COLUMN currency').filter({ hasText: 'ACCESS EXCLUSIVE' }).waitFor();
  await picture(page, 'findings');
}

async function status(page) {
  await page.locator('.statusbar-item', { hasText: /goose.*PostgreSQL.*error/ }).waitFor();
}

async function hover(page) {
  await until('a hover tells the lock', async () => {
    await line(page, 'SET NOT NULL').getByText('orders').first().hover();
    const told = page.locator('.monaco-hover:visible', { hasText: 'ACCESS EXCLUSIVE' });
    await told.waitFor({ timeout: 5_000 });
    return true;
  });
  await picture(page, 'hover');
  await page.keyboard.press('Escape');
}

/** One lane for each relation, before and after, and the statement of the cursor is marked. */
async function timeline(page) {
  await line(page, 'UPDATE orders').click();
  await command(page, 'View: Toggle Primary Side Bar Visibility');
  await command(page, 'Safestep: Show Lock Timeline');
  const frame = await framed(page, '#before svg');
  await frame.locator('#before svg', { hasText: 'orders' }).waitFor();
  await frame.locator('#after svg', { hasText: 'orders' }).waitFor();
  await frame.locator('#down svg', { hasText: 'orders' }).waitFor();
  const current = async () => frame.locator('#before .current').first().getAttribute('data-statement');
  await until('the statement of the cursor is marked', async () => (await current()) === '1');
  await line(page, 'SET NOT NULL').click();
  await until('the mark follows the cursor', async () => (await current()) === '2');
  await picture(page, 'timeline-dark');
  const position = page.locator('.statusbar-item', { hasText: /Ln \d+, Col \d+/ });
  const before = await position.textContent();
  // The middle of the column lies below the lock.
  await frame.locator('#before [data-statement="0"] .band').click({ force: true });
  await until('a click leads to the statement', async () => (await current()) === '0' && (await position.textContent()) !== before);
}

async function light(page) {
  await page.emulateMedia({ colorScheme: 'light' });
  const frame = await framed(page, '#before svg');
  await frame.locator('body.vscode-light').waitFor();
  await picture(page, 'timeline-light');
}

async function plan(page) {
  await command(page, 'Safestep: Show Plan');
  // The list of commands, which may still be open, has one that ends in the same words.
  await page.locator('.quick-input-list .monaco-list-row', { hasText: /^\s*Safe steps/ }).first().click();
  const preview = await framed(page, 'body.vscode-body .code-line');
  await preview.getByText('orders').first().waitFor();
  await picture(page, 'plan');
  await command(page, 'View: Close All Editors');
}

/** Nothing is said about SQL that is no migration, though it is as dangerous; who asks is told why. */
async function quiet(page, url) {
  await open(page, url, REPORT);
  const why = page.locator('.hover-language-status', { hasText: 'not a migration' });
  await until('the server has looked at it', async () => {
    await page.locator('[id="status.languageStatus"]').hover();
    await why.waitFor({ timeout: 5_000 });
    return true;
  });
  await picture(page, 'quiet');
  assert.equal(await page.locator('.squiggly-error, .squiggly-warning').count(), 0);
  assert.equal(await page.locator('.statusbar-item:visible', { hasText: 'PostgreSQL' }).count(), 0);
}

/** A workspace chooses the program only when it is trusted; then a wrong choice is told. */
async function restricted(page, url) {
  settings({ ...SETTINGS, 'security.workspace.trust.enabled': true });
  const own = path.join(PROJECT, '.vscode');
  mkdirSync(own);
  writeFileSync(path.join(own, 'settings.json'), JSON.stringify({ 'safestep.path': './nowhere' }));
  await open(page, url, MIGRATION);
  await page.locator('.squiggly-error, .squiggly-warning').first().waitFor();
  const told = page.locator('.notification-list-item', { hasText: 'safestep.path names no program' });
  assert.equal(await told.count(), 0);
  await command(page, 'Workspaces: Manage Workspace Trust');
  await page.locator('.workspace-trust-editor .monaco-button', { hasText: 'Trust' }).first().click();
  await told.getByText('Open Settings').waitFor();
  await picture(page, 'missing');
  rmSync(own, { recursive: true });
  settings(SETTINGS);
}

/** The action is offered where the cursor is, and what it makes is on disk. */
async function split(page, url) {
  await open(page, url, MIGRATION);
  await page.locator('.squiggly-error, .squiggly-warning').first().waitFor();
  await line(page, 'ADD COLUMN currency').click();
  await page.keyboard.press('Home');
  const action = page.locator('.action-widget .action-list-item, .action-widget .monaco-list-row', { hasText: /^Split this migration/ });
  await until('the split is offered', async () => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+.');
    await action.first().waitFor({ timeout: 10_000 });
    return true;
  });
  await picture(page, 'split');
  await action.first().click();
  const files = () => readdirSync(path.join(PROJECT, 'db/migrations')).filter((name) => name.includes('order_currency')).length;
  await until('five files are written', () => files() === 5);
  await line(page, 'ADD COLUMN currency').click();
  await page.keyboard.press('Control+z');
  await until('one undo takes all back', async () => files() === 1 && (await line(page, 'SET NOT NULL').count()) > 0);
  // The files that are gone may be open in the editor for a moment, and then their versions are taken.
  await until('five files are written again', async () => {
    await command(page, 'Safestep: Split Migration into Safe Steps');
    for (let waited = 0; waited < 50 && files() !== 5; waited++) await page.waitForTimeout(100);
    return files() === 5;
  });
  await command(page, 'File: Save All Files');
  await picture(page, 'steps');
}

/** Starts VS Code as a server with the extension in it. */
async function start() {
  const entry = path.join(NODE_MODULES, 'code-server/out/node/entry.js');
  const data = path.join(WORK, 'data');
  const folders = ['--user-data-dir', data, '--extensions-dir', path.join(WORK, 'extensions'), '--config', path.join(WORK, 'config')];
  const own = Object.fromEntries(['CONFIG', 'DATA', 'CACHE', 'STATE'].map((name) => [`XDG_${name}_HOME`, path.join(WORK, 'home')]));
  const env = { ...process.env, ...own, HOME: WORK };
  mkdirSync(path.join(data, 'User'), { recursive: true });
  settings(SETTINGS);
  writeFileSync(path.join(WORK, 'config'), 'auth: none\n');
  const installed = spawnSync(process.execPath, [entry, ...folders, '--install-extension', path.resolve(VSIX)], { env, encoding: 'utf8' });
  assert.equal(installed.status, 0, installed.stdout + installed.stderr);

  const options = ['--auth', 'none', '--bind-addr', '127.0.0.1:0', '--disable-telemetry', '--disable-update-check'];
  // A group of its own, so that all that it starts can be stopped.
  const child = spawn(process.execPath, [entry, ...folders, ...options], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
  const stop = async () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
    await ended;
  };
  process.once('SIGTERM', () => stop().then(() => process.exit(1)));
  setTimeout(() => stop().then(() => process.exit(1)), LIMIT).unref();
  const address = /listening on (http:\/\/127\.0\.0\.1:\d+)/;
  await until('code-server listens', () => address.test(log)).catch(async (error) => {
    await stop();
    throw new Error(`${error.message}\n${log}`);
  });
  return { url: address.exec(log)[1], stop, told: () => log };
}

/** Opens files of the project in a new window of the editor; the first one is looked at. */
async function open(page, url, first, ...others) {
  const remote = (name) => ['openFile', `vscode-remote://${new URL(url).host}${path.join(PROJECT, name)}`];
  const payload = JSON.stringify([...others, first].map(remote));
  await page.goto(`${url}/?folder=${encodeURIComponent(PROJECT)}&payload=${encodeURIComponent(payload)}`);
  await page.locator('.tab.active', { hasText: path.basename(first) }).waitFor();
  await page.locator('.editor-instance .view-line').first().waitFor();
}

function line(page, text) {
  // The editor writes spaces that do not break.
  return page.locator('.editor-instance .view-line', { hasText: new RegExp(text.replaceAll(' ', '\\s')) }).first();
}

async function command(page, title) {
  // The list does not learn of commands that appear while it is open.
  await until(`${title} is offered`, async () => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget input[type="text"]:visible').fill(`>${title}`, { timeout: 5_000 });
    await page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click({ timeout: 5_000 });
    return true;
  });
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  // Nothing there shows anything of its own.
  await page.mouse.move(640, 1);
}

/** The page inside the page that holds such an element. */
async function framed(page, selector) {
  let found;
  await until(`a view shows ${selector}`, async () => {
    for (const frame of page.frames()) if (await frame.$(selector).catch(() => null)) found = frame;
    return found !== undefined;
  });
  return found;
}

/** What a page that is opened from now on obeys. */
function settings(all) {
  writeFileSync(path.join(WORK, 'data/User/settings.json'), JSON.stringify(all));
}

async function picture(page, name) {
  if (!SAFESTEP_SCREENSHOTS) return;
  mkdirSync(SAFESTEP_SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SAFESTEP_SCREENSHOTS, `${name}.png`) });
}

async function until(what, holds) {
  const end = Date.now() + PATIENCE;
  let last = '';
  while (Date.now() < end) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = `: ${error.message}`;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not in time: ${what}${last}`);
}

function chromiumPath() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const candidates = names.flatMap((name) => process.env.PATH.split(':').map((directory) => path.join(directory, name)));
  const found = candidates.find((candidate) => existsSync(candidate));
  assert(found, `none of ${names.join(', ')} is on PATH`);
  return found;
}

await main();
