// kcadm.sh, as far as the stack calls it: config credentials, get, create, update, set-password.
import { readFileSync, writeFileSync } from 'node:fs';

const words = process.argv.slice(2);
const flags = { q: [], s: [] };
const plain = [];
const alone = ['noquotes', 'merge', 'temporary'];
while (words.length) {
  const word = words.shift();
  const name = word.replace(/^--?/, '');
  if (name === word) plain.push(word);
  else if (alone.includes(name)) flags[name] = true;
  else if (name === 'q' || name === 's') flags[name].push(words.shift());
  else flags[name] = words.shift();
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (plain[0] === 'config') {
  const grant = flags.client
    ? {
        grant_type: 'client_credentials',
        client_id: flags.client,
        client_secret: flags.secret ?? process.env.KC_CLI_CLIENT_SECRET,
      }
    : {
        grant_type: 'password',
        client_id: 'admin-cli',
        username: flags.user,
        password: flags.password ?? process.env.KC_CLI_PASSWORD,
      };
  const answer = await fetch(`${flags.server}/realms/${flags.realm}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(grant),
  });
  const body = await answer.json();
  if (!answer.ok) fail(`${body.error}: ${body.error_description ?? ''}`);
  writeFileSync(flags.config, JSON.stringify({ server: flags.server, token: body.access_token }), {
    mode: 0o600,
  });
  process.exit();
}

const { server, token } = JSON.parse(readFileSync(flags.config, 'utf8'));
async function ask(method, what, body) {
  const answer = await fetch(`${server}/admin/realms/${flags.r}/${what}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) fail(`${answer.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

const [verb, resource] = plain;
const given = {
  ...(flags.f && JSON.parse(readFileSync(flags.f, 'utf8'))),
  ...Object.fromEntries(flags.s.map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
};
if (verb === 'get') {
  const found = await ask('GET', `${resource}?${flags.q.join('&')}`);
  if (flags.format !== 'csv') console.log(JSON.stringify(found, null, 2));
  else
    for (const item of found)
      console.log(
        flags.fields
          .split(',')
          .map((name) => item[name])
          .join(','),
      );
} else if (verb === 'create') await ask('POST', resource, given);
else if (verb === 'update')
  await ask('PUT', resource, flags.merge ? { ...(await ask('GET', resource)), ...given } : given);
else if (verb === 'set-password') {
  const [user] = await ask('GET', `users?username=${flags.username}`);
  await ask('PUT', `users/${user.id}/reset-password`, { type: 'password', value: flags['new-password'] });
} else fail(`not here: ${verb}`);
