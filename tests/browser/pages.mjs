// SPDX-License-Identifier: Apache-2.0
// The pages in a real browser: the data manager's morning, the auditor's afternoon, every page for its accessibility.
//
// node pages.mjs SETTINGS.json: {base, tokens, modules, chromium, month, shots}; prints one line a step: "ok NAME" or
// "not ok NAME: why".  With `shots` it keeps a picture of each page there, at 1280 and at 320 pixels.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const settings = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const require = createRequire(settings.modules + "/");
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const profile = fs.mkdtempSync(path.join(os.tmpdir(), "mhsflow-browser-"));
const WAIT = 60000; // a busy machine is slow; nothing here is about speed
let failed = 0;

async function step(name, run) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${name}: ${String(error.message).split("\n").slice(0, 12).join(" | ")}`);
  }
}

const browser = await chromium.launchPersistentContext(profile, {
  executablePath: settings.chromium,
  viewport: { width: 1280, height: 900 },
  bypassCSP: false,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
browser.setDefaultTimeout(WAIT);
const outside = new Set();
browser.on("request", (request) => {
  if (!request.url().startsWith(settings.base) && !request.url().startsWith("data:")) outside.add(request.url());
});

async function open(width = 1280) {
  const page = await browser.newPage();
  await page.setViewportSize({ width, height: 900 });
  page.problems = [];
  page.on("console", (message) => { if (message.type() === "error") page.problems.push(message.text()); });
  return page;
}

async function signIn(page, role) {
  await browser.clearCookies();
  await page.goto(settings.base + "/sign-in");
  await page.getByLabel("Token").fill(settings.tokens[role]);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Today", level: 1 }).waitFor();
}

// axe wants to run in the page, which our policy forbids to any script: so the markup is looked at in a blank page.
async function accessible(page, name) {
  const style = await (await page.request.get(settings.base + "/style.css")).text();
  const markup = (await page.content()).replace(/<link rel="stylesheet"[^>]*>/, `<style>${style}</style>`);
  const copy = await browser.newPage();
  await copy.setViewportSize(page.viewportSize());
  await copy.setContent(markup);
  // The rules are about markup and colour, which are the same at both widths: asked once, at the narrow one.
  const asked = page.viewportSize().width < 400;
  if (asked) await copy.evaluate(axe);
  const found = asked ? await copy.evaluate(() => window.axe.run()) : { violations: [] };
  const wide = await copy.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await copy.close();
  const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 120)}`), [], name);
  assert.ok(wide <= 0, `${name} is ${wide} pixels wider than its window`);
}

async function morning() {
  const page = await open();
  await signIn(page, "manager");
  await page.getByText("It waits for approval before it is sent").first().waitFor();
  await page.getByRole("link", { name: settings.month }).first().click();
  await page.getByText("It waits for approval before it is sent").waitFor();
  await page.getByRole("heading", { name: "Rows by table" }).waitFor();
  const address = page.url();
  await page.getByRole("link", { name: "Findings" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"),
    page.getByRole("link", { name: "Download the fix list (CSV)" }).click()]);
  const list = fs.readFileSync(await download.path(), "utf8").split("\r\n");
  assert.ok(list[0].startsWith("organisation,rule,severity"), list[0]);
  assert.ok(list.length > 3, "the fix list is empty");
  await page.goto(address);
  await page.getByRole("link", { name: "Approve it" }).click();
  await page.getByLabel("Reason (optional)").fill("looked at this morning");
  await page.getByRole("button", { name: "Approve it" }).click();
  await page.getByText("Your name was kept with it").waitFor();
  for (const end = Date.now() + WAIT; ;) {
    await page.goto(address);
    if (await page.locator("main .tag.good").count()) break;
    assert.ok(Date.now() < end, "the released submission was not accepted");
    await page.waitForTimeout(200);
  }
  await page.getByText("Released by").waitFor();
  assert.deepEqual(page.problems, []);
  await page.close();
}

async function person() {
  const page = await open();
  await signIn(page, "manager");
  await page.goto(settings.base + "/findings/records");
  await page.getByRole("button", { name: /^person / }).first().click();
  await page.getByRole("heading", { name: /^Person /, level: 1 }).waitFor();
  assert.ok(!page.url().includes("id="), "a person's id stands in the address");
  assert.ok(await page.locator("td.mask").count() > 3, "values are masked");
  await page.getByRole("button", { name: /^Show / }).first().click();
  await page.getByLabel("Why do you need it?").selectOption("correct_record");
  await page.getByRole("button", { name: "Show it" }).click();
  assert.equal(await page.locator("td.shown").count(), 1);
  await page.close();
}

async function afternoon() {
  const page = await open();
  await signIn(page, "auditor");
  await page.getByRole("link", { name: "Audit" }).click();
  await page.getByText("Checkpoint", { exact: true }).waitFor();
  await page.getByLabel("What happened").selectOption("revealed");
  await page.getByLabel("Who did it").fill("mary");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText(/correct_record:/).first().waitFor();
  await page.getByLabel("What happened").selectOption("submission_released");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("a person released it").first().waitFor();
  await page.goto(settings.base + "/people");
  await page.getByRole("heading", { name: "Not for your role" }).waitFor();
  await page.close();
}

async function keyboard() {
  const page = await open();
  await signIn(page, "viewer");
  await page.goto(settings.base + "/queue");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.ok(page.url().endsWith("#content"));
  for (let i = 0; i < 40 && !(await page.evaluate(() => document.activeElement.closest("tbody"))); i++)
    await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Rows by table" }).waitFor();
  await page.close();
}

async function look(role, names) {
  for (const width of settings.shots ? [1280, 320] : [320]) {
    const page = await open(width);
    await signIn(page, role);
    for (const [name, where] of Object.entries(names)) {
      await page.goto(settings.base + where);
      await accessible(page, `${name} at ${width}`);
      if (settings.shots)
        await page.screenshot({ path: path.join(settings.shots, `${name}-${width}.png`), fullPage: name !== "audit" });
    }
    await page.close();
  }
}

await step("the data manager's morning", morning);
await step("a person, masked, and one value shown", person);
await step("the auditor's afternoon", afternoon);
await step("by keyboard alone", keyboard);
await step("accessible and 320 pixels wide: the manager's pages", () => look("manager", {
  today: "/", queue: "/queue", submission: settings.submission, confirm: settings.confirm, findings: "/findings",
  records: "/findings/records", people: "/people", feeds: "/feeds", mapping: "/mapping" }));
await step("accessible and 320 pixels wide: the auditor's page", () => look("auditor", { audit: "/audit" }));
await step("nothing is fetched from elsewhere", async () => assert.deepEqual([...outside], []));
await browser.close();
fs.rmSync(profile, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
