// A bot: answers apps/NAME/double, and publishes what it computed; told a number on apps/NAME/in, it
// publishes the double of that as well. Run it as: GUILD_HOME=run node bot.js NAME
import { Client, RemoteError } from 'guildhall';

const client = await Client.connect({ name: process.argv[2] });
const topic = (last) => `apps/${client.name}/${last}`;

async function double(text) {
  const result = String(2 * Number(text));
  if (result === 'NaN') throw new RemoteError({ kind: 'invalid', code: 'number_invalid', message: `${text} is no number` });
  await client.publish(topic('out'), result, { ack: true });
  return result;
}

const inbox = await client.subscribe(topic('in'));
await client.serve(topic('double'), ({ payload }) => double(payload));
console.log('ready');
for await (const item of inbox) if (item.kind === 'message') await double(item.payload).catch(console.error);
