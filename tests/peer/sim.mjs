// sim: an ecs-sim under test: how to start it, and the hand of the person at the station (control socket, docs/simulator.md).
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lintText } from '../lint/rules.mjs';
import { eventually, freePort, Program, request } from './program.mjs';

// Quick answers to a lost server, frequent meter values: what tests want, all of it ordinary settings.
const BRISK = ['backoff_min=1', 'backoff_random=0', 'backoff_repeats=0', 'tx_updated_interval=2', 'tx_retry_interval=1'];

export class Sim {
  // install: a firmware file; the program is then started by ecs-launch, from a slot, as after a reset of the chip.
  static async start({ dir, url, id = 'CP1', stations = 1, password, set = [], args = [], tag = 'ecs-sim', seed = 1, control, install }) {
    const sim = new Sim();
    sim.dir = dir;
    sim.id = id;
    sim.port = control ?? await freePort();
    sim.frameLog = join(dir, `${tag}.frames`);
    const line = ['--url', url, '--id', id, '--control', String(sim.port), '--seed', String(seed),
      '--frame-log', sim.frameLog, '--state-dir', join(dir, `${tag}.state`)];
    if (stations > 1) line.push('--stations', String(stations));
    if (password !== undefined) line.push('--password', password);
    for (const s of [...BRISK, ...set]) line.push('--set', s);
    sim.program = install
      ? new Program('ecs-launch', ['--dir', join(dir, `${tag}.flash`), '--slot-size', '16', '--install', install, '--', ...line, ...args], { dir, tag })
      : new Program('ecs-sim', [...line, ...args], { dir, tag });
    await eventually(`${tag} to open its control socket`, async () => {
      if (!sim.program.running) throw new Error(`it ended: ${sim.program.text.slice(-800)}`);
      return sim.state();
    }, 60000);
    return sim;
  }

  // What the world is truly like at a station; they are numbered from 1.
  async state(station = 1) { return (await this.site()).stations[station - 1]; }

  // The whole answer of GET /state: { time_s, site, stations }.
  async site() { return (await request(this.port, 'GET', '/state')).json; }

  // What the stations believe, for comparison; [0] is station 1.
  async believed() { return (await request(this.port, 'GET', '/stations')).json; }

  // One verb, as in scenario files: "plug", "token ABC", "fault weld on".
  async do(verb, station = 1) {
    const answer = await request(this.port, 'POST', '/do', { station, verb }, { any: true });
    assert.equal(answer.status, 200, `"${verb}" was refused: ${answer.text}`);
    return performance.now();
  }

  // The self-test of a station that has just been switched on is over.
  async idle(station = 1) {
    await eventually(`station ${station} to be idle`, async () => (await this.believed())[station - 1].state === 'Idle', 10000);
  }

  async until(what, look, ms = 15000, station = 1) {
    return eventually(what, async () => {
      const s = await this.state(station);
      return look(s) ? s : null;
    }, ms);
  }

  lint(options = { only: 'station' }) {
    assert.ok(existsSync(this.frameLog), 'ecs-sim wrote no frame log');
    const { frames, problems } = lintText(readFileSync(this.frameLog, 'utf8'), options);
    assert.deepEqual(problems.map((p) => `${this.frameLog}:${p.line}: ${p.rule}: ${p.text}`), []);
    return frames;
  }

  async stop(options) { await this.program.stop(options); }
}
