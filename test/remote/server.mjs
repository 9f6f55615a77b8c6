// A flow in JavaScript, as openapi/sca-remote.yaml describes it: name and password, the review, a code by SMS.
// SECRET=… SMS=https://… node server.mjs prints the port on which it listens.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const { SECRET, SMS, PORT = 0 } = process.env;
const psus = new Map([['lea', { psu: 'lea', password: 'sandbox' }]]); // a bank asks its directory
const answers = new Map(); // by stepKey; a bank has a table, which all its replicas see
const now = () => Math.floor(Date.now() / 1000);
const mac = (...parts) => createHmac('sha256', SECRET).update(parts.join('.')).digest('hex');
const same = (a, b) => timingSafeEqual(Buffer.from(mac('same', a)), Buffer.from(mac('same', b)));
const codeOf = (key) => String(parseInt(mac('code', key).slice(0, 12), 16) % 1e6).padStart(6, '0');
const keep = (state) => Buffer.from(JSON.stringify(state)).toString('base64');
const read = (text) => { try { return JSON.parse(Buffer.from(text, 'base64')) ?? {}; } catch { return {}; } };
const ask = (state, ...fields) => ({ outcome: 'prompt', fields: fields.map(([name, kind]) => ({ name, kind })), state: keep(state) });

async function step({ call, request: { stepKey }, state, input: { kind, fields = {} } = {} }) {
  if (call === 'start') return ask({ at: 'login' }, ['psuId', 'text'], ['password', 'password']);
  const { at, psu, key, until } = read(state), wrong = { outcome: 'prompt', wrong: true };
  if (at && kind === 'cancel') return { outcome: 'denied' };
  if (at === 'login' && kind === 'form') {
    const known = psus.get(fields.psuId);
    return known && same(fields.password, known.password) ? { outcome: 'identified', psu: known.psu, state: keep({ at: 'known', psu: known.psu }) } : wrong;
  }
  if (at === 'known' && kind === 'approved') {
    const sms = await fetch(SMS, { method: 'POST', body: JSON.stringify({ psu, stepKey, code: codeOf(stepKey) }) });
    return sms.ok ? ask({ at: 'code', psu, key: stepKey, until: now() + 300 }, ['otp', 'code']) : Promise.reject(new Error('no SMS'));
  }
  if (at === 'code' && kind === 'form') return until > now() && same(fields.otp, codeOf(key)) ? { outcome: 'done', psu } : wrong;
}
createServer(async (req, res) => {
  const body = (await req.setEncoding('utf8').toArray()).join('');
  const [, t, v1] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(req.headers['consentd-signature']) ?? [];
  const reply = (status, answer, text = JSON.stringify(answer), s = now()) =>
    res.writeHead(status, { 'content-type': 'application/json', 'consentd-signature': `t=${s},v1=${mac(s, v1, text)}` }).end(text);
  if (!t || Math.abs(now() - t) > 300 || !same(v1, mac(t, body))) return reply(401, { error: 'wrong signature' });
  const call = JSON.parse(body), key = call.request.stepKey, answer = answers.get(key) ?? step(call);
  answers.set(key, answer); // a repeated call gets the answer that is there, or on its way
  await answer.then((a) => (a ? reply(200, a) : reply(400, { error: 'this state and this input do not fit' })), () => (answers.delete(key), reply(500, { error: 'no SMS' })));
}).listen(PORT, '127.0.0.1', function () { console.log(this.address().port); });
