// ws_client.mjs ECHO_URL COMMAND_URL - npm ws as a client: the conversation, pings and fragments, and a slow reader.
import { once } from 'node:events';
import WebSocket from 'ws';
import { converse } from './conversation.mjs';

const [echoUrl, commandUrl] = process.argv.slice(2);
let count = await converse(echoUrl, commandUrl, WebSocket, process.env.DEFLATE === '1');

const socket = new WebSocket(echoUrl, { perMessageDeflate: process.env.DEFLATE === '1' });
await once(socket, 'open');

socket.ping('are you there');
const [pong] = await once(socket, 'pong');
if (pong.toString() !== 'are you there') throw new Error(`pong ${pong}`);
++count;

// A ping between the fragments of a message is answered before the message is whole.
socket.send('one ', { fin: false });
socket.ping('in between');
await once(socket, 'pong');
socket.send('two ', { fin: false });
socket.send('three', { fin: true });
const [whole] = await once(socket, 'message');
if (whole.toString() !== 'one two three') throw new Error(`fragments came back as ${whole}`);
++count;

// Reads nothing for a while: the answers pile up, the server stops reading, and nothing is lost.
const slow = new WebSocket(echoUrl, { perMessageDeflate: false });
await once(slow, 'open');
slow.pause();
const large = Array.from({ length: 48 }, (_, i) => Buffer.alloc(256 * 1024, i));
large.forEach((message) => slow.send(message));
await new Promise((resolve) => { setTimeout(resolve, 300); });
const answers = [];
slow.on('message', (data) => answers.push(data));
slow.resume();
while (answers.length < large.length) await once(slow, 'message');
if (!answers.every((data, i) => data.equals(large[i]))) throw new Error('a slow reader gets something else');
count += large.length;
slow.close();
await once(slow, 'close');

socket.close(1000);
const [code] = await once(socket, 'close');
if (code !== 1000) throw new Error(`closed with ${code}`);
console.log(`${count} exchanges`);
